use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder,
    sea_query::{Expr, ExprTrait as _},
};

use crate::{
    JobId, JobKind, JobRow, Project, ReadTx, ReleaseId, ReleaseRow, StoreError, Unsigned, WriteTx,
    entity::{job, release},
};

/// A job to add.
#[derive(Clone, Debug)]
pub struct NewJob<'a> {
    /// What is to be done.
    pub kind: JobKind,
    /// The id of what it is about; one job per kind and subject.
    pub subject: &'a str,
    /// Whatever else the kind has to know.
    pub payload: Option<String>,
    /// Not before this second (since 1970 UTC).
    pub run_at_secs: u64,
}

/// A job that nobody else works on until its lease ends.
#[derive(Clone, Debug)]
pub struct LeasedJob {
    /// The job, with the lease in it.
    pub row: JobRow,
}

impl ReadTx {
    /// When the next job of one of `kinds` is due or its lease ends: seconds since 1970 UTC.
    pub async fn find_next_job_time(&self, kinds: &[JobKind]) -> Result<Option<u64>, StoreError> {
        let next = jobs_of(kinds).order_by_asc(job::Column::RunAt).one(self.connection()).await?;
        Ok(next.map(|job| job.run_at.value()))
    }

    /// The release that a publish job is about; `None` when it is gone.
    pub async fn find_release_of_job(&self, job: &LeasedJob) -> Result<Option<(Project, ReleaseRow)>, StoreError> {
        let Ok(id) = ReleaseId::parse(&job.row.subject) else { return Ok(None) };
        let Some(release) = release::Entity::find_by_id(id).one(self.connection()).await? else { return Ok(None) };
        Ok(self.load_project(&release.project_id).await?.map(|project| (project, release)))
    }
}

impl WriteTx {
    /// Adds a job. [`StoreError::AlreadyExists`] when there is one of this kind about this subject.
    pub async fn insert_job(&self, new: NewJob<'_>, now_secs: u64) -> Result<(), StoreError> {
        self.insert::<job::Entity, _>(JobRow {
            id: JobId::make(now_secs),
            kind: new.kind,
            subject: new.subject.to_owned(),
            payload: new.payload,
            attempts: Unsigned::default(),
            run_at: new.run_at_secs.into(),
            lease: None,
            created_at: now_secs.into(),
        })
        .await
    }

    /// Takes the job of one of `kinds` that is due longest, if there is one that nobody holds. `lease` is unique to this call; the
    /// compare-and-swap lets one of several takers win.
    pub async fn lease_job(
        &self,
        kinds: &[JobKind],
        lease: &str,
        now_secs: u64,
        until_secs: u64,
    ) -> Result<Option<LeasedJob>, StoreError> {
        let due = jobs_of(kinds)
            .filter(job::Column::RunAt.lte(Unsigned::from(now_secs)))
            .order_by_asc(job::Column::RunAt)
            .order_by_asc(job::Column::Id)
            .one(self.connection())
            .await?;
        let Some(found) = due else { return Ok(None) };
        let taken = job::Entity::update_many()
            .col_expr(job::Column::Lease, Expr::value(lease))
            .col_expr(job::Column::RunAt, Expr::value(Unsigned::from(until_secs)))
            .col_expr(job::Column::Attempts, Expr::col(job::Column::Attempts).add(1))
            .filter(job::Column::Id.eq(found.id.clone()))
            .filter(job::Column::RunAt.eq(found.run_at))
            .filter(job::Column::Attempts.eq(found.attempts))
            .exec(self.connection())
            .await?;
        if taken.rows_affected == 0 {
            return Ok(None);
        }
        let row = JobRow {
            lease: Some(lease.to_owned()),
            run_at: until_secs.into(),
            attempts: (found.attempts.value() + 1).into(),
            ..found
        };
        Ok(Some(LeasedJob { row }))
    }

    /// Removes a finished job; `false` when the lease was lost meanwhile and the job belongs to somebody else.
    pub async fn delete_job(&self, job: &LeasedJob) -> Result<bool, StoreError> {
        let done = job::Entity::delete_many()
            .filter(job::Column::Id.eq(job.row.id.clone()))
            .filter(job::Column::Lease.eq(job.row.lease.clone()))
            .exec(self.connection())
            .await?;
        Ok(done.rows_affected > 0)
    }

    /// Removes the job of this kind about this subject, whoever holds it: what it was to do is no longer wanted.
    pub async fn cancel_job(&self, kind: JobKind, subject: &str) -> Result<(), StoreError> {
        job::Entity::delete_many()
            .filter(job::Column::Kind.eq(kind))
            .filter(job::Column::Subject.eq(subject))
            .exec(self.connection())
            .await?;
        Ok(())
    }

    /// Gives the job back, to be tried again at `run_at_secs`; `false` when the lease was lost meanwhile.
    pub async fn postpone_job(&self, job: &LeasedJob, run_at_secs: u64) -> Result<bool, StoreError> {
        let done = job::Entity::update_many()
            .col_expr(job::Column::Lease, Expr::value(Option::<String>::None))
            .col_expr(job::Column::RunAt, Expr::value(Unsigned::from(run_at_secs)))
            .filter(job::Column::Id.eq(job.row.id.clone()))
            .filter(job::Column::Lease.eq(job.row.lease.clone()))
            .exec(self.connection())
            .await?;
        Ok(done.rows_affected > 0)
    }
}

/// A newer version beside this one may have added jobs of kinds that only it can do: they are never asked for.
fn jobs_of(kinds: &[JobKind]) -> sea_orm::Select<job::Entity> {
    job::Entity::find().filter(job::Column::Kind.is_in(kinds.iter().copied()))
}
