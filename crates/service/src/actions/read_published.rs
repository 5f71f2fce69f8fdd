use pintle_publish::{Address, Bucket, BucketError, Stored};

use crate::{OriginBucket, Service, ServiceError};

impl Service {
    /// A file of the built-in origin. Published files are public: nobody is asked who they are.
    ///
    /// # Errors
    /// [`BucketError::Unavailable`].
    pub async fn read_published(&self, address: &Address) -> Result<Option<Stored>, BucketError> {
        OriginBucket::new(self.store.clone()).read(address).await
    }

    /// Whether a file that is not there was taken away on purpose: its project is withdrawn (P-7.5).
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn is_withdrawn(&self, address: &Address) -> Result<bool, ServiceError> {
        let tx = self.store.read().await?;
        Ok(tx.is_withdrawn(address.organization.as_str(), address.project.as_str()).await?)
    }
}
