//! Object stores of clouds, by `object_store`: one bucket over all of them, and how each is opened.

mod explain;
mod open;

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use object_store::{
    Attribute, Attributes, Error, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, PutPayload, UpdateVersion,
    path::Path,
};

use crate::{Address, Bucket, BucketError, Cause, Condition, Stored, StoredHeaders, Tag};
pub(crate) use open::open;

/// Far above what anybody publishes (P-2.1): a store that answers with more is no store of ours.
const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// A bucket in an object store. A [`Tag`] is the store's own: the entity tag, or the generation where there is one.
pub(crate) struct CloudBucket {
    name: String,
    prefix: String,
    store: Arc<dyn ObjectStore>,
}

/// Nothing of the store: it holds credentials.
impl fmt::Debug for CloudBucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloudBucket").field("name", &self.name).finish_non_exhaustive()
    }
}

impl CloudBucket {
    fn locate(&self, address: &Address) -> Path {
        if self.prefix.is_empty() {
            Path::from(address.to_string())
        } else {
            Path::from(format!("{}/{address}", self.prefix))
        }
    }
}

#[async_trait]
impl Bucket for CloudBucket {
    fn name(&self) -> &str {
        &self.name
    }

    async fn read(&self, address: &Address) -> Result<Option<Stored>, BucketError> {
        let found = match self.store.get(&self.locate(address)).await {
            Ok(found) => found,
            Err(error) if explain::is_missing_file(&error) => return Ok(None),
            Err(error) => return Err(explain::explain(&error)),
        };
        if found.meta.size > MAX_FILE_BYTES {
            return Err(BucketError::because(Cause::Unknown, explain::Said::new("a file larger than any release")));
        }
        let tag = found.meta.version.clone().or_else(|| found.meta.e_tag.clone());
        let tag = tag.ok_or_else(|| {
            BucketError::because(Cause::ConditionsUnsupported, explain::Said::new("files have no entity tags"))
        })?;
        let header = |name| found.attributes.get(&name).map(|value| value.to_string());
        let headers = StoredHeaders {
            media_type: header(Attribute::ContentType),
            cache_control: header(Attribute::CacheControl),
        };
        let body = found.bytes().await.map_err(|error| explain::explain(&error))?;
        Ok(Some(Stored { body: body.to_vec(), tag: Tag(tag), headers: Some(headers) }))
    }

    async fn write(&self, address: &Address, body: &[u8], condition: &Condition) -> Result<(), BucketError> {
        let object = address.object;
        let attributes = Attributes::from_iter([
            (Attribute::ContentType, object.media_type()),
            (Attribute::CacheControl, object.cache_control()),
        ]);
        let mode = match condition {
            Condition::Absent => PutMode::Create,
            // Each store looks at the one of the two that it gave.
            Condition::Unchanged(Tag(tag)) => {
                PutMode::Update(UpdateVersion { e_tag: Some(tag.clone()), version: Some(tag.clone()) })
            }
        };
        let options = PutOptions { mode, attributes, ..PutOptions::default() };
        match self.store.put_opts(&self.locate(address), PutPayload::from(body.to_vec()), options).await {
            Ok(_) => Ok(()),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. } | Error::NotModified { .. }) => {
                Err(BucketError::ConditionFailed)
            }
            Err(error) if *condition != Condition::Absent && explain::is_missing_file(&error) => {
                Err(BucketError::ConditionFailed)
            }
            Err(error) => Err(explain::explain(&error)),
        }
    }

    async fn remove(&self, address: &Address) -> Result<(), BucketError> {
        match self.store.delete(&self.locate(address)).await {
            Err(error) if !explain::is_missing_file(&error) => Err(explain::explain(&error)),
            _ => Ok(()),
        }
    }
}
