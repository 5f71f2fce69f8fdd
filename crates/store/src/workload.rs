use sea_orm::{ColumnTrait, DatabaseConnection, DbBackend, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder};

use crate::{
    ReadTx, ReleaseState, StoreError, Unsigned,
    entity::{job, release},
};

/// How much there is, of all tenants together: for the operator's metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Workload {
    /// Jobs that are not done.
    pub jobs: u64,
    /// When the oldest of them was added: seconds since 1970 UTC.
    pub oldest_job_at: Option<u64>,
    /// Releases that are on their way to the targets.
    pub publishing: u64,
    /// Releases that every target serves.
    pub live: u64,
}

/// Connections of a pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolUse {
    /// Open ones.
    pub open: u64,
    /// Those of them that nobody uses.
    pub idle: u64,
}

impl ReadTx {
    /// Counts what there is.
    pub async fn measure_workload(&self) -> Result<Workload, StoreError> {
        let oldest = job::Entity::find().order_by_asc(job::Column::CreatedAt).one(self.connection()).await?;
        let in_state = |states: &[ReleaseState]| {
            release::Entity::find().filter(release::Column::State.is_in(states.to_vec())).count(self.connection())
        };
        Ok(Workload {
            jobs: job::Entity::find().count(self.connection()).await?,
            oldest_job_at: oldest.map(|job| Unsigned::value(job.created_at)),
            publishing: in_state(&[ReleaseState::Accepted, ReleaseState::Publishing]).await?,
            live: in_state(&[ReleaseState::Live]).await?,
        })
    }
}

pub(crate) fn measure_pool(pool: &DatabaseConnection) -> PoolUse {
    let (open, idle) = match pool.get_database_backend() {
        DbBackend::Postgres => {
            let pool = pool.get_postgres_connection_pool();
            (pool.size(), pool.num_idle())
        }
        _ => {
            let pool = pool.get_sqlite_connection_pool();
            (pool.size(), pool.num_idle())
        }
    };
    PoolUse { open: open.into(), idle: u64::try_from(idle).unwrap_or(u64::MAX) }
}
