use std::{error::Error, fmt};

use async_trait::async_trait;

use crate::{Address, Cause};

/// A place that stores files for apps to fetch. The contract, which `check_contract` tries:
///
/// - **Consistency**: after a `write` succeeded, every `read` through any handle of this bucket sees it or something
///   later. A reader sees a whole file: the old one or the new one.
/// - **Durability**: a `write` that succeeded survives a crash of the machine that runs this code.
/// - **Conditions** are checked and the file is written in one step, whoever else writes: of two writers with the same
///   condition one succeeds and the other gets [`BucketError::ConditionFailed`].
/// - **Removal**: after a `remove` succeeded, `read` finds nothing until the next `write`; removing what is not there
///   succeeds.
/// - **Retry**: a `write` or `remove` that failed in another way may have happened or not; callers read to find out. No
///   method retries by itself or waits without bound.
/// - **Trust**: none. Devices verify what they fetch; a bucket can withhold files but forge none.
#[async_trait]
pub trait Bucket: fmt::Debug + Send + Sync {
    /// What logs and errors call this bucket; no secrets.
    fn name(&self) -> &str;

    /// The file at `address`, if there is one.
    async fn read(&self, address: &Address) -> Result<Option<Stored>, BucketError>;

    /// Stores `body` at `address` with the media type and cache header of its object, if `condition` holds.
    async fn write(&self, address: &Address, body: &[u8], condition: &Condition) -> Result<(), BucketError>;

    /// Removes the file at `address`, if there is one.
    async fn remove(&self, address: &Address) -> Result<(), BucketError>;
}

/// A file as a bucket holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The exact bytes.
    pub body: Vec<u8>,
    /// Names this content at this address.
    pub tag: Tag,
    /// The headers it will be served with, from a bucket that keeps any.
    pub headers: Option<StoredHeaders>,
}

/// What a bucket remembers of how a file is to be served.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredHeaders {
    /// `Content-Type`.
    pub media_type: Option<String>,
    /// `Cache-Control`.
    pub cache_control: Option<String>,
}

/// A bucket's name for one content at one address: equal tags mean equal content. Opaque to everyone else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag(pub String);

/// What must hold at the moment of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// There is no file at the address.
    Absent,
    /// The file at the address has this tag.
    Unchanged(Tag),
}

/// Why a bucket did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BucketError {
    /// Somebody else wrote in between; nothing was written.
    #[error("the file was changed by somebody else")]
    ConditionFailed,
    /// The bucket cannot be reached or used; whether the file was written is unknown.
    #[error("{cause}: {source}")]
    Unavailable {
        /// What is wrong, as far as it can be told.
        cause: Cause,
        /// What the bucket says; no secrets.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl BucketError {
    /// Wraps a bucket's own error, of which no more is known.
    pub fn unavailable(error: impl Error + Send + Sync + 'static) -> Self {
        Self::because(Cause::Unknown, error)
    }

    /// Wraps a bucket's own error.
    pub fn because(cause: Cause, error: impl Error + Send + Sync + 'static) -> Self {
        Self::Unavailable { cause, source: Box::new(error) }
    }

    /// What is wrong with the bucket; `None`: nothing, somebody else was faster.
    pub fn cause(&self) -> Option<Cause> {
        match self {
            Self::ConditionFailed => None,
            Self::Unavailable { cause, .. } => Some(*cause),
        }
    }
}
