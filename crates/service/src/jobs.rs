//! The outbox: work that committed changes still owe, taken and done one job at a time.

use pintle_core::UnixTime;
use pintle_store::{JobKind, LeasedJob};

use crate::{Service, ServiceError, hex::write_hex};

/// How long a job is left to whoever took it. Two at once do no harm, so a short lease only costs work done twice, and a
/// crash delays a job by no more.
const LEASE_SECS: u64 = 15;
const MAX_BACKOFF_SECS: u64 = 300;

/// What one turn achieved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nothing is due before this time, or at all.
    Idle {
        /// When the next job is due.
        next_at: Option<UnixTime>,
    },
    /// A job reached its end.
    Done,
    /// A job failed and is due again later.
    Postponed,
}

/// Jobs that wait for each other, and for no others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// What the server does by itself: the built-in origin, its own directories, deletions.
    Own,
    /// What waits for somebody else's store.
    Targets,
    /// Both.
    All,
}

impl Lane {
    const fn kinds(self) -> &'static [JobKind] {
        match self {
            Self::Own => &[JobKind::Publish, JobKind::Unpublish, JobKind::Erase],
            Self::Targets => &[JobKind::PublishTarget, JobKind::UnpublishTarget],
            Self::All => &JobKind::ALL,
        }
    }
}

/// How far an attempt at a job got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Attempt {
    /// To its end: the job was deleted in the transaction that ended it, or belongs to somebody else by now.
    Done,
    /// Not there; why is logged, and another attempt may do better.
    Failed,
}

impl Service {
    /// Takes the job of any kind that is due longest and does it once.
    ///
    /// # Errors
    /// As [`run_next_job_of`](Self::run_next_job_of).
    pub async fn run_next_job(&self, now: UnixTime) -> Result<Progress, ServiceError> {
        self.run_next_job_of(Lane::All, now).await
    }

    /// Takes the job of a lane that is due longest and does it once. Safe to call from several places and after a crash: every
    /// step of every job can be repeated.
    ///
    /// # Errors
    /// [`ServiceError::Store`] when the database fails; any other failure is [`Progress::Postponed`].
    pub async fn run_next_job_of(&self, lane: Lane, now: UnixTime) -> Result<Progress, ServiceError> {
        let Some(job) = self.lease_next_job(lane, now).await? else {
            let next = self.store.read().await?.find_next_job_time(lane.kinds()).await?;
            return Ok(Progress::Idle { next_at: next.map(UnixTime::from_secs) });
        };
        if lane == Lane::Targets {
            // There may be more: whoever else waits looks, while this one takes its time.
            self.target_jobs.notify_one();
        }
        let attempt = match job.row.kind {
            JobKind::Publish => self.publish_release(&job, now).await,
            JobKind::Unpublish => self.unpublish_project(&job, now).await,
            JobKind::Erase => self.erase(&job, now).await,
            JobKind::PublishTarget => self.publish_to_target(&job, now).await,
            JobKind::UnpublishTarget => self.unpublish_target(&job, now).await,
        };
        match attempt {
            Ok(Attempt::Done) => return Ok(Progress::Done),
            Ok(Attempt::Failed) => {}
            Err(error @ ServiceError::Store(_)) => return Err(error),
            Err(error) => {
                tracing::error!(job.id = %job.row.id, job.kind = ?job.row.kind, error.code = error.code(), %error,
                    "a job failed; it will be tried again");
            }
        }
        let delay_secs = MAX_BACKOFF_SECS.min(1 << job.row.attempts.value().min(8));
        let tx = self.begin_system_change(now).await?;
        tx.postpone_job(&job, now.saturating_add_secs(delay_secs).as_secs()).await?;
        tx.commit_recorded().await?;
        Ok(Progress::Postponed)
    }

    async fn lease_next_job(&self, lane: Lane, now: UnixTime) -> Result<Option<LeasedJob>, ServiceError> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|_| ServiceError::Internal("no randomness"))?;
        let until = now.saturating_add_secs(LEASE_SECS);
        let tx = self.begin_system_change(now).await?;
        let job = tx.lease_job(lane.kinds(), &write_hex(&random), now.as_secs(), until.as_secs()).await?;
        tx.commit_recorded().await?;
        Ok(job)
    }
}
