use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder,
    sea_query::{Expr, ExprTrait as _},
};

use crate::{JobId, JobKind, JobRow, Project, ProjectScope, ReadTx, StoreError, Unsigned, WriteTx, entity::job};

/// A job that nobody else works on until its lease ends.
#[derive(Clone, Debug)]
pub struct LeasedJob {
    /// The job, with the lease in it.
    pub row: JobRow,
    /// The project it is about.
    pub project: Project,
}

impl ReadTx {
    /// When the next job is due or the next lease ends: seconds since 1970 UTC.
    pub async fn find_next_job_time(&self) -> Result<Option<u64>, StoreError> {
        let next = job::Entity::find().order_by_asc(job::Column::RunAt).one(self.connection()).await?;
        Ok(next.map(|job| job.run_at.value()))
    }
}

impl WriteTx {
    /// Adds a job that is due at once.
    pub async fn insert_job(
        &self,
        scope: &ProjectScope,
        kind: JobKind,
        version: u64,
        now_secs: u64,
    ) -> Result<(), StoreError> {
        self.insert::<job::Entity, _>(JobRow {
            id: JobId::make(now_secs),
            kind,
            project_id: scope.project.clone(),
            version: version.into(),
            attempts: Unsigned::default(),
            run_at: now_secs.into(),
            lease: None,
            created_at: now_secs.into(),
        })
        .await
    }

    /// Takes the job that is due longest, if there is one that nobody holds. `lease` is unique to this call; the
    /// compare-and-swap lets one of several takers win.
    pub async fn lease_job(
        &self,
        lease: &str,
        now_secs: u64,
        until_secs: u64,
    ) -> Result<Option<LeasedJob>, StoreError> {
        let due = job::Entity::find()
            .filter(job::Column::RunAt.lte(Unsigned::from(now_secs)))
            .order_by_asc(job::Column::RunAt)
            .order_by_asc(job::Column::Version)
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
        Ok(self.load_project(&row.project_id).await?.map(|project| LeasedJob { row, project }))
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
