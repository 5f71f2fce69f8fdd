//! Releases between their submission and their publication: what may go out, what a release that goes out makes void.

use pintle_core::{State, UnixTime, verify};
use pintle_store::{JobKind, NewJob, Project, ProjectScope, ReadTx, ReleaseRow, ReleaseState, StoreError};
use serde_json::json;

use crate::{AuditAction, Service, ServiceError, audit::Event, change::Change, succession::Keys};

impl Service {
    /// Whether `jws` may be published now: it carries the project's succession as it stands, and apps that follow the
    /// project would go on to it from the last release that they have seen or will see.
    pub(crate) async fn check_publishable(
        &self,
        tx: &ReadTx,
        project: &Project,
        jws: &str,
        now: UnixTime,
    ) -> Result<(), ServiceError> {
        let keys = Keys::load(tx, project, &self.base_urls).await?;
        let genuine = verify(jws.as_bytes(), &keys.root, &State::default(), now)?;
        // Apps would still follow an earlier key; the project does not.
        if !keys.are_led_to_by(&genuine.state.chain) {
            return Err(ServiceError::SuccessionOutdated { version: genuine.config.claims().version });
        }
        let last = self.verify_last_release(tx, project).await?;
        let state = last.map(|(_, accepted)| accepted.state).unwrap_or_default();
        Ok(verify(jws.as_bytes(), &keys.root, &state, now).map(drop)?)
    }

    /// From here on nothing takes the release back: every lower one that was prepared or waits is void (P-9.4), and it is
    /// on its way to every target.
    pub(crate) async fn commit_release(
        &self,
        tx: &Change,
        scope: &ProjectScope,
        version: u64,
    ) -> Result<(), ServiceError> {
        tx.delete_prepared_up_to(scope, version).await?;
        void_pending(tx, scope, "a later release", |release| release.version.value() < version).await?;
        for bucket in &self.buckets {
            tx.insert_release_target(scope, version, bucket.name()).await?;
        }
        for target in tx.list_publish_targets(scope).await? {
            queue_target(tx, scope, version, &target.destination, tx.now()).await?;
        }
        Ok(())
    }
}

/// Has a release that nothing takes back brought to one target.
pub(crate) async fn queue_target(
    tx: &Change,
    scope: &ProjectScope,
    version: u64,
    target: &str,
    now: UnixTime,
) -> Result<(), ServiceError> {
    let subject = format!("{}/{version}/{target}", scope.project());
    let run_at_secs = now.as_secs();
    let job = NewJob { kind: JobKind::PublishTarget, subject: &subject, payload: None, run_at_secs };
    match tx.insert_job(job, now.as_secs()).await {
        // Of a target that was removed and added again, and not done yet.
        Ok(()) | Err(StoreError::AlreadyExists) => {}
        Err(error) => return Err(error.into()),
    }
    match tx.insert_release_target(scope, version, target).await {
        Ok(()) | Err(StoreError::AlreadyExists) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Has the release published once `run_at` has come.
pub(crate) async fn queue_publication(
    tx: &Change,
    release: &ReleaseRow,
    run_at: UnixTime,
    now: UnixTime,
) -> Result<(), ServiceError> {
    let subject = release.id.as_str();
    let job = NewJob { kind: JobKind::Publish, subject, payload: None, run_at_secs: run_at.as_secs() };
    Ok(tx.insert_job(job, now.as_secs()).await?)
}

/// Makes every release void that waits for a person or for its time, if `is_void` says so; `because` of what, the audit
/// log tells.
pub(crate) async fn void_pending(
    tx: &Change,
    scope: &ProjectScope,
    because: &str,
    is_void: impl Fn(&ReleaseRow) -> bool,
) -> Result<(), ServiceError> {
    for release in tx.list_pending_releases(scope).await?.iter().filter(|release| is_void(release)) {
        end_pending(tx, scope, release, ReleaseState::Voided).await?;
        let version = release.version.value().to_string();
        let event = Event::in_project(scope, AuditAction::ReleaseVoided, "release", &version);
        tx.record(event.after(json!({ "because": because }))).await?;
    }
    Ok(())
}

/// Ends a release that waits, and the job that would publish it.
pub(crate) async fn end_pending(
    tx: &Change,
    scope: &ProjectScope,
    release: &ReleaseRow,
    state: ReleaseState,
) -> Result<(), ServiceError> {
    tx.move_release(scope, release.version.value(), release.state, state).await?;
    Ok(tx.cancel_job(JobKind::Publish, release.id.as_str()).await?)
}
