use pintle_core::UnixTime;
use pintle_publish::{Outcome, Publication, publish};
use pintle_store::{LeasedJob, ReleaseState};

use crate::{AuditAction, Service, ServiceError, audit::Event, claims::make_root, hex::write_hex};

/// How long a publisher is left alone. Two at once do no harm, so a short lease only costs work done twice, and a crash
/// delays a release by no more.
const LEASE_SECS: u64 = 15;
const MAX_BACKOFF_SECS: u64 = 300;

/// What one turn of the publisher achieved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nothing is due before this time, or at all.
    Idle {
        /// When the next job is due.
        next_at: Option<UnixTime>,
    },
    /// The release reached its end: live, or superseded by a newer one.
    Done {
        /// Release number.
        version: u64,
    },
    /// It failed and is due again later.
    Postponed {
        /// Release number.
        version: u64,
    },
}

impl Service {
    /// Takes the publish job that is due longest and runs it once. Safe to call from several places and after a crash:
    /// every step can be repeated.
    ///
    /// # Errors
    /// [`ServiceError::Store`] when the database fails; a failing bucket is [`Progress::Postponed`].
    pub async fn publish_next(&self, now: UnixTime) -> Result<Progress, ServiceError> {
        let Some(job) = self.lease_publish_job(now).await? else {
            let next = self.store.read().await?.find_next_job_time().await?;
            return Ok(Progress::Idle { next_at: next.map(UnixTime::from_secs) });
        };
        let version = job.row.version.value();
        match self.publish_release(&job, now).await {
            Ok(Some(outcome)) => self.finish_publish_job(&job, outcome, now).await?,
            Err(error @ ServiceError::Store(_)) => return Err(error),
            failed => {
                if let Err(error) = failed {
                    tracing::error!(job.id = %job.row.id, release.version = version, %error, "release not publishable");
                }
                let delay_secs = 1 << job.row.attempts.value().min(8);
                let run_at = now.saturating_add_secs(MAX_BACKOFF_SECS.min(delay_secs));
                let tx = self.begin_system_change(now).await?;
                tx.postpone_job(&job, run_at.as_secs()).await?;
                tx.commit_recorded().await?;
                return Ok(Progress::Postponed { version });
            }
        }
        Ok(Progress::Done { version })
    }

    async fn lease_publish_job(&self, now: UnixTime) -> Result<Option<LeasedJob>, ServiceError> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|_| ServiceError::Internal("no randomness"))?;
        let lease = write_hex(&random);
        let until = now.saturating_add_secs(LEASE_SECS);
        let tx = self.begin_system_change(now).await?;
        let job = tx.lease_job(&lease, now.as_secs(), until.as_secs()).await?;
        if let Some(job) = &job {
            let (scope, version) = (&job.project.scope, job.row.version.value());
            tx.move_release(scope, version, ReleaseState::Accepted, ReleaseState::Publishing).await?;
        }
        tx.commit_recorded().await?;
        Ok(job)
    }

    /// Brings the release to every bucket; `None` when one of them failed, which is logged.
    async fn publish_release(&self, job: &LeasedJob, now: UnixTime) -> Result<Option<Outcome>, ServiceError> {
        let version = job.row.version.value();
        let file = self.store.read().await?.load_release_file(&job.project.scope, version).await?;
        let file = file.ok_or(ServiceError::Internal("a release without its file"))?;
        let root = make_root(&job.project, &self.base_url)?;
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

    async fn finish_publish_job(&self, job: &LeasedJob, outcome: Outcome, now: UnixTime) -> Result<(), ServiceError> {
        let (scope, version) = (&job.project.scope, job.row.version.value());
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
