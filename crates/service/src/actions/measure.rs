use pintle_store::{PoolUse, Workload};

use crate::{Service, ServiceError};

impl Service {
    /// How much there is, of all tenants together, for the operator's metrics.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn measure_workload(&self) -> Result<Workload, ServiceError> {
        Ok(self.store.read().await?.measure_workload().await?)
    }

    /// The database connections in use.
    pub fn measure_pool(&self) -> PoolUse {
        self.store.measure_pool()
    }
}
