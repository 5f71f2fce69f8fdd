use std::sync::Arc;

use crate::{Bucket, BucketError, CredentialSource, DirectoryBucket, Place};

/// Looks up a variable of the environment.
pub type Environment<'a> = &'a (dyn Fn(&str) -> Option<String> + Sync);

/// Why a place cannot be opened. Nothing was sent yet.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// This build knows no such store.
    #[error("this build of Pintle cannot publish to {kind}")]
    KindUnsupported {
        /// As `s3`.
        kind: &'static str,
    },
    /// The credentials cannot be read, or are none.
    #[error(transparent)]
    Credentials(BucketError),
}

/// The bucket at `place`. It needs no server and no database.
///
/// # Errors
/// [`OpenError`]: what can be told without asking the store.
pub fn open(
    place: &Place,
    credentials: &CredentialSource,
    environment: Environment<'_>,
) -> Result<Arc<dyn Bucket>, OpenError> {
    match place {
        Place::Directory { path } => Ok(Arc::new(DirectoryBucket::new(path))),
        #[cfg(feature = "cloud")]
        _ => crate::cloud::open(place, credentials, environment),
        #[cfg(not(feature = "cloud"))]
        _ => {
            let _ = (credentials, environment);
            Err(OpenError::KindUnsupported { kind: place.kind() })
        }
    }
}
