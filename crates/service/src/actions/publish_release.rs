use pintle_core::UnixTime;
use pintle_publish::{Outcome, Publication, publish};
use pintle_store::{LeasedJob, Project, ReleaseKind, ReleaseRow, ReleaseState, TargetOutcome, TargetState};
use serde_json::json;

use super::publish_target::alert_about_target;
use crate::{AuditAction, Service, ServiceError, audit::Event, change::Change, claims::make_root, jobs::Attempt};

/// What became of a release at one target.
struct Arrival<'a> {
    target: &'a str,
    result: Result<Outcome, String>,
}

impl Service {
    /// The publish job: brings a release to every target, and records that it is live, or superseded by a newer one.
    pub(crate) async fn publish_release(&self, job: &LeasedJob, now: UnixTime) -> Result<Attempt, ServiceError> {
        let Some((project, release)) = self.begin_publication(job, now).await? else { return Ok(Attempt::Done) };
        // Of a release whose time has come, its targets know only now.
        self.target_jobs.notify_one();
        let version = release.version.value();
        let tx = self.store.read().await?;
        let file = tx.load_release_file(&project.scope, version).await?;
        let file = file.ok_or(ServiceError::Internal("a release without its file"))?;
        let root = make_root(&project, &self.list_urls(&tx, &project).await?)?;
        let mut publication = Publication::verify(root, file.into_bytes(), now)?;
        if publication.is_withdrawal() {
            let earlier = tx.list_all_releases(&project.scope).await?;
            publication = publication.after(earlier.iter().map(|release| release.version.value()));
        }
        drop(tx);
        let mut arrivals = Vec::new();
        for bucket in &self.buckets {
            let result = publish(bucket.as_ref(), &publication, now).await.map_err(|error| {
                let attempts = job.row.attempts.value();
                tracing::warn!(job.id = %job.row.id, job.attempts = attempts, bucket.name = bucket.name(),
                    release.version = version, %error, "publication failed; it will be tried again");
                error.to_string()
            });
            arrivals.push(Arrival { target: bucket.name(), result });
        }
        self.finish_publication(job, &project, &release, &arrivals, now).await
    }

    /// Brings the release into the state in which it is published. `None`: there is nothing to publish (any longer), and
    /// the job is gone.
    async fn begin_publication(
        &self,
        job: &LeasedJob,
        now: UnixTime,
    ) -> Result<Option<(Project, ReleaseRow)>, ServiceError> {
        let tx = self.begin_system_change(now).await?;
        let found = tx.find_release_of_job(job).await?;
        let is_due = match &found {
            None => false,
            Some((project, release)) => match release.state {
                ReleaseState::Scheduled => self.release_due(&tx, project, release, now).await?,
                ReleaseState::Accepted | ReleaseState::Publishing => true,
                _ => false,
            },
        };
        if !is_due {
            tx.delete_job(job).await?;
            tx.commit_recorded().await?;
            return Ok(None);
        }
        if let Some((project, release)) = &found {
            let version = release.version.value();
            tx.move_release(&project.scope, version, ReleaseState::Accepted, ReleaseState::Publishing).await?;
        }
        tx.commit_recorded().await?;
        Ok(found)
    }

    /// The time of a scheduled release has come. Whatever happened since it was submitted, apps never get what they would
    /// not go on to: then it is void.
    async fn release_due(
        &self,
        tx: &Change,
        project: &Project,
        release: &ReleaseRow,
        now: UnixTime,
    ) -> Result<bool, ServiceError> {
        let (scope, version) = (&project.scope, release.version.value());
        let file = tx.load_release_file(scope, version).await?;
        let file = file.ok_or(ServiceError::Internal("a release without its file"))?;
        let (action, state, because) = match self.check_publishable(tx, project, &file, now).await {
            Ok(()) => (AuditAction::ReleaseDue, ReleaseState::Publishing, None),
            Err(error @ (ServiceError::Store(_) | ServiceError::Internal(_))) => return Err(error),
            Err(error) => (AuditAction::ReleaseVoided, ReleaseState::Voided, Some(error.code())),
        };
        if because.is_none() {
            self.commit_release(tx, scope, version).await?;
        }
        tx.move_release(scope, version, ReleaseState::Scheduled, state).await?;
        let event = Event::in_project(scope, action, "release", &version.to_string());
        tx.record(match because {
            Some(code) => event.after(json!({ "because": code })),
            None => event,
        })
        .await?;
        Ok(because.is_none())
    }

    async fn finish_publication(
        &self,
        job: &LeasedJob,
        project: &Project,
        release: &ReleaseRow,
        arrivals: &[Arrival<'_>],
        now: UnixTime,
    ) -> Result<Attempt, ServiceError> {
        let (scope, version) = (&project.scope, release.version.value());
        let tx = self.begin_system_change(now).await?;
        for arrival in arrivals {
            tx.save_release_target(scope, version, &arrival.describe(), now.as_secs()).await?;
            alert_about_target(&tx, scope, &arrival.describe(), job, now).await?;
        }
        if arrivals.iter().any(|arrival| arrival.result.is_err()) {
            tx.commit_recorded().await?;
            return Ok(Attempt::Failed);
        }
        if !tx.delete_job(job).await? {
            // The lease ended and somebody else finishes.
            return Ok(Attempt::Done);
        }
        self.settle_release(&tx, project, version, now).await?;
        tx.commit_recorded().await?;
        Ok(Attempt::Done)
    }

    /// Ends the publication of a release that is at every target, and nowhere on its way any more.
    pub(super) async fn settle_release(
        &self,
        tx: &Change,
        project: &Project,
        version: u64,
        now: UnixTime,
    ) -> Result<(), ServiceError> {
        let scope = &project.scope;
        let Some(release) = tx.find_release(scope, version).await? else { return Ok(()) };
        let arrivals = tx.list_release_targets(scope, version, version).await?;
        let has_arrived = arrivals.iter().all(|row| matches!(row.state, TargetState::Live | TargetState::Superseded));
        if release.state != ReleaseState::Publishing || !has_arrived {
            return Ok(());
        }
        let is_superseded = arrivals.iter().any(|row| row.state == TargetState::Superseded);
        let live = tx.find_live_release(scope).await?;
        if is_superseded || live.is_some_and(|live| live.version.value() > version) {
            tx.move_release(scope, version, ReleaseState::Publishing, ReleaseState::Superseded).await?;
        } else {
            tx.save_live_release(scope, version, now.as_secs()).await?;
            let is_withdrawal = release.kind == ReleaseKind::Withdrawal;
            tx.save_withdrawn(scope, is_withdrawal.then_some(now.as_secs())).await?;
            tx.record(Event::in_project(scope, AuditAction::ReleaseLive, "release", &version.to_string())).await?;
        }
        tracing::info!(project.id = %scope.project(), release.version = version, is_superseded, "release published");
        Ok(())
    }
}

impl Arrival<'_> {
    fn describe(&self) -> TargetOutcome<'_> {
        let (state, error) = match &self.result {
            Ok(Outcome::Live) => (TargetState::Live, None),
            Ok(Outcome::Superseded) => (TargetState::Superseded, None),
            Err(error) => (TargetState::Failed, Some(error.as_str())),
        };
        TargetOutcome { target: self.target, state, error }
    }
}
