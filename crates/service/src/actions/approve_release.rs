use pintle_api::{ApproveReleaseRequest, ReleaseResponse};
use pintle_core::UnixTime;
use pintle_store::{ReleaseRow, ReleaseSource, ReleaseState, Unsigned};
use serde_json::json;

use crate::{
    Actor, AuditAction, ProjectPath, ReleaseError, Service, ServiceError,
    access::{Permission, find_project},
    audit::Event,
    respond,
};

impl Service {
    /// Agrees, as a second person, to a release that waits for it; or, after the fact, to one that was made without the
    /// server. Everything that was checked when it was submitted is checked again, and the guard looks once more at the live
    /// servers. Agreeing twice answers as the first time.
    ///
    /// # Errors
    /// [`ReleaseError::SamePerson`], [`ReleaseError::NotAwaitingApproval`], [`ReleaseError::ApprovedOther`],
    /// [`GuardError`](crate::GuardError), [`ServiceError::Config`], [`ServiceError::SuccessionOutdated`], and those of access.
    pub async fn approve_release(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        version: u64,
        request: &ApproveReleaseRequest,
        now: UnixTime,
    ) -> Result<ReleaseResponse, ServiceError> {
        self.judge_waiting(actor, path, version, now).await?;
        let tx = self.begin_change(actor, now).await?;
        let project = find_project(&tx, actor, path, Permission::ApproveRelease).await?;
        let scope = &project.scope;
        let release = tx.find_release(scope, version).await?.ok_or(ServiceError::NotFound { what: "release" })?;
        if release.claims_sha256 != request.claims_sha256 {
            return Err(ReleaseError::ApprovedOther { version }.into());
        }
        if release.approved_by.as_ref() == Some(&actor.account_id) {
            return respond::release(&tx, scope, &release).await;
        }
        let is_waiting = release.state == ReleaseState::AwaitingApproval;
        let is_after_the_fact =
            !is_waiting && release.source == ReleaseSource::External && release.approved_by.is_none();
        if !is_waiting && !is_after_the_fact {
            return Err(ReleaseError::NotAwaitingApproval { version }.into());
        }
        if release.accepted_by == actor.account_id {
            return Err(ReleaseError::SamePerson { version }.into());
        }
        let event = Event::in_project(scope, AuditAction::ReleaseApproved, "release", &version.to_string());
        let summary = json!({
            "claims_sha256": release.claims_sha256,
            "accepted_by": release.accepted_by.as_str(),
            "after_the_fact": is_after_the_fact,
        });
        if is_after_the_fact {
            tx.save_approval(scope, version, &actor.account_id, now.as_secs()).await?;
            let release = tx.find_release(scope, version).await?.ok_or(ServiceError::NotFound { what: "release" })?;
            let answer = respond::release(&tx, scope, &release).await?;
            tx.commit(event.after(summary)).await?;
            return Ok(answer);
        }
        let file = tx.load_release_file(scope, version).await?;
        let file = file.ok_or(ServiceError::Internal("a release without its file"))?;
        self.check_publishable(&tx, &project, &file, now).await?;

        let waits = release.publish_at.is_some_and(|at| at.value() > now.as_secs());
        let state = if waits { ReleaseState::Scheduled } else { ReleaseState::Accepted };
        tx.save_approval(scope, version, &actor.account_id, now.as_secs()).await?;
        tx.move_release(scope, version, ReleaseState::AwaitingApproval, state).await?;
        let approved_at = Some(Unsigned::from(now.as_secs()));
        let release = ReleaseRow { state, approved_by: Some(actor.account_id.clone()), approved_at, ..release };
        self.send_on_its_way(&tx, &project, &release, now).await?;
        let answer = respond::release(&tx, scope, &release).await?;
        tx.commit(event.after(summary)).await?;
        self.wake_jobs();
        tracing::info!(project.id = %project.row.id, release.version = version, "release approved");
        Ok(answer)
    }
}
