use crate::{Service, ServiceError};

impl Service {
    /// Whether requests can be served: the database answers and has the expected schema.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn check_ready(&self) -> Result<(), ServiceError> {
        Ok(self.store.check_ready().await?)
    }
}
