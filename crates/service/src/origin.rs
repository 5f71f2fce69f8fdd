use async_trait::async_trait;
use pintle_publish::{Address, Bucket, BucketError, Condition, Stored, Tag};
use pintle_store::{PublishedObjectRow, Store, StoreError};
use sha2::{Digest, Sha256};

/// The bucket behind the server's own CDN origin: files live in the database. Tags are strong entity tags, with quotes.
#[derive(Clone, Debug)]
pub struct OriginBucket {
    store: Store,
}

impl OriginBucket {
    /// A bucket in `store`.
    pub fn new(store: Store) -> Self {
        Self { store }
    }
}

#[async_trait]
impl Bucket for OriginBucket {
    fn name(&self) -> &str {
        "built-in origin"
    }

    async fn read(&self, address: &Address) -> Result<Option<Stored>, BucketError> {
        let tx = self.store.read().await.map_err(BucketError::unavailable)?;
        let found = tx.find_published(&address.to_string()).await.map_err(BucketError::unavailable)?;
        Ok(found.map(|file| Stored { body: file.body, tag: Tag(file.etag), headers: None }))
    }

    async fn write(&self, address: &Address, body: &[u8], condition: &Condition) -> Result<(), BucketError> {
        let file = PublishedObjectRow { path: address.to_string(), body: body.to_owned(), etag: derive_etag(body) };
        let tx = self.store.write().await.map_err(BucketError::unavailable)?;
        let written = match condition {
            Condition::Absent => tx.insert_published(file).await.map(|()| true),
            Condition::Unchanged(Tag(etag)) => tx.replace_published(file, etag).await,
        };
        match written {
            #[expect(clippy::disallowed_methods, reason = "the release that is published is recorded already")]
            Ok(true) => tx.commit().await.map_err(BucketError::unavailable),
            Ok(false) | Err(StoreError::AlreadyExists) => Err(BucketError::ConditionFailed),
            Err(error) => Err(BucketError::unavailable(error)),
        }
    }

    async fn remove(&self, address: &Address) -> Result<(), BucketError> {
        // Most of what is removed is not there: reading costs nobody the write lock.
        if self.read(address).await?.is_none() {
            return Ok(());
        }
        let tx = self.store.write().await.map_err(BucketError::unavailable)?;
        tx.delete_published(&address.to_string()).await.map_err(BucketError::unavailable)?;
        #[expect(clippy::disallowed_methods, reason = "the decision to remove it is recorded already")]
        tx.commit().await.map_err(BucketError::unavailable)
    }
}

/// 128 bits of SHA-256: equal tags mean equal bytes, also across versions of a file.
fn derive_etag(body: &[u8]) -> String {
    let digest = Sha256::digest(body);
    let digits: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{digits}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn keeps_the_contract_of_a_bucket() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open_sqlite(&folder.path().join("pintle.db")).await.unwrap();
        pintle_publish::check_contract(&OriginBucket::new(store)).await.unwrap();
    }
}
