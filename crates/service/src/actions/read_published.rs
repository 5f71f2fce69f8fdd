use pintle_publish::{Address, Bucket, BucketError, Stored};

use crate::{OriginBucket, Service};

impl Service {
    /// A file of the built-in origin. Published files are public: nobody is asked who they are.
    ///
    /// # Errors
    /// [`BucketError::Unavailable`].
    pub async fn read_published(&self, address: &Address) -> Result<Option<Stored>, BucketError> {
        OriginBucket::new(self.store.clone()).read(address).await
    }
}
