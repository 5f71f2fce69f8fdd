use pintle_core::UnixTime;
use pintle_publish::{Outcome, Publication, publish};
use pintle_store::{LeasedJob, Project, ReleaseRow, ReleaseState};

use crate::{AuditAction, Service, ServiceError, audit::Event, claims::make_root, jobs::Attempt};

impl Service {
    /// The publish job: brings a release to every target, and records that it is live, or superseded by a newer one.
    pub(crate) async fn publish_release(&self, job: &LeasedJob, now: UnixTime) -> Result<Attempt, ServiceError> {
        let tx = self.begin_system_change(now).await?;
        let Some((project, release)) = tx.find_release_of_job(job).await? else {
            tx.delete_job(job).await?;
            tx.commit_recorded().await?;
            return Ok(Attempt::Done);
        };
        let version = release.version.value();
        tx.move_release(&project.scope, version, ReleaseState::Accepted, ReleaseState::Publishing).await?;
        tx.commit_recorded().await?;
        match self.bring_to_targets(job, &project, &release, now).await? {
            Some(outcome) => self.finish_publication(job, &project, version, outcome, now).await?,
            None => return Ok(Attempt::Failed),
        }
        Ok(Attempt::Done)
    }

    /// Brings the release to every bucket; `None` when one of them failed, which is logged.
    async fn bring_to_targets(
        &self,
        job: &LeasedJob,
        project: &Project,
        release: &ReleaseRow,
        now: UnixTime,
    ) -> Result<Option<Outcome>, ServiceError> {
        let version = release.version.value();
        let file = self.store.read().await?.load_release_file(&project.scope, version).await?;
        let file = file.ok_or(ServiceError::Internal("a release without its file"))?;
        let root = make_root(project, &self.base_url)?;
        let publication = Publication::verify(root, file.into_bytes(), now)?;
        let mut result = Some(Outcome::Live);
        for bucket in &self.buckets {
            match publish(bucket.as_ref(), &publication, now).await {
                Ok(Outcome::Live) => {}
                Ok(Outcome::Superseded) => result = result.map(|_| Outcome::Superseded),
                Err(error) => {
                    let attempts = job.row.attempts.value();
                    tracing::warn!(job.id = %job.row.id, job.attempts = attempts, bucket.name = bucket.name(),
                        release.version = version, %error, "publication failed; it will be tried again");
                    result = None;
                }
            }
        }
        Ok(result)
    }

    async fn finish_publication(
        &self,
        job: &LeasedJob,
        project: &Project,
        version: u64,
        outcome: Outcome,
        now: UnixTime,
    ) -> Result<(), ServiceError> {
        let scope = &project.scope;
        let tx = self.begin_system_change(now).await?;
        if !tx.delete_job(job).await? {
            // The lease ended and somebody else finishes.
            return Ok(());
        }
        let live = tx.find_live_release(scope).await?;
        let is_overtaken = live.is_some_and(|live| live.version.value() > version);
        if outcome == Outcome::Superseded || is_overtaken {
            tx.move_release(scope, version, ReleaseState::Publishing, ReleaseState::Superseded).await?;
        } else {
            tx.save_live_release(scope, version, now.as_secs()).await?;
            tx.record(Event::in_project(scope, AuditAction::ReleaseLive, "release", &version.to_string())).await?;
        }
        tx.commit_recorded().await?;
        tracing::info!(project.id = %scope.project(), release.version = version, ?outcome, "release published");
        Ok(())
    }
}
