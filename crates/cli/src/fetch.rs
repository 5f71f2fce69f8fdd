use std::sync::{Arc, Mutex, PoisonError};

use pintle_core::Root;
use pintle_sdk::{Builder, Error, Event, FetchError, Pintle, disk::DiskStore};

use crate::{CommandError, root::parse_root};

/// A configuration as an app fetched and accepted it.
pub(crate) struct Fetched {
    /// The file, byte for byte.
    pub(crate) bytes: Vec<u8>,
    /// The root it was verified for.
    pub(crate) root: Root,
}

/// Fetches the configuration of `bundle` the way an app does at its first start: every rule about URLs, limits and
/// verification is the SDK's.
pub(crate) async fn fetch_config(bundle: &[u8], source_name: &str) -> Result<Fetched, CommandError> {
    let root = parse_root(bundle, source_name)?;
    let directory = tempfile::tempdir().map_err(|error| CommandError::Write { path: std::env::temp_dir(), error })?;
    let builder = Pintle::builder(bundle).dangerous_allow_http_loopback().storage_dir(directory.path());
    set_up(builder, source_name).await?;
    // What the SDK keeps is what it accepted.
    let loaded = DiskStore::new(directory.path(), &root)
        .load()
        .map_err(|error| CommandError::Read { path: error.path, error: error.kind.into() })?;
    let bytes = loaded.record.config.ok_or_else(|| CommandError::Internal("the SDK kept no file".to_owned()))?;
    Ok(Fetched { bytes, root })
}

/// Starts an SDK and waits for its configuration; a failure names what each URL answered.
pub(crate) async fn set_up(builder: Builder, source_name: &str) -> Result<Pintle, CommandError> {
    let failures = Arc::new(Mutex::new(Vec::new()));
    let collected = Arc::clone(&failures);
    let builder = builder.listen(move |event| {
        if let Event::FetchFailed { url, error } = event {
            collected.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{url}: {error}"));
        }
    });
    builder.setup().await.map_err(|error| match error {
        Error::Setup(error) => CommandError::Bundle { source_name: source_name.to_owned(), error },
        Error::Fetch(FetchError::Config(error)) => {
            CommandError::Config { source_name: "the published configuration".to_owned(), error }
        }
        Error::Fetch(error) => {
            let mut reasons = std::mem::take(&mut *failures.lock().unwrap_or_else(PoisonError::into_inner));
            if reasons.is_empty() {
                reasons.push(error.to_string());
            }
            CommandError::Fetch { reasons }
        }
        other => CommandError::Internal(other.to_string()),
    })
}
