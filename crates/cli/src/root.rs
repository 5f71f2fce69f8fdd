use std::path::Path;

use pintle_core::Root;

use crate::{CommandError, file::read_file};

/// A bundle holds two keys and at most eight URLs.
const MAX_BUNDLE_BYTES: u64 = 64 * 1024;

/// Reads `pintle.json` from a file.
pub(crate) fn load_bundle(path: &Path) -> Result<Vec<u8>, CommandError> {
    read_file(path, MAX_BUNDLE_BYTES)
}

/// Parses a bundle. `http` URLs of this machine are accepted (P-1.3): a person tries things out with these commands, no
/// app embeds them, and a configuration is authentic by its signature however it came.
pub(crate) fn parse_root(bytes: &[u8], source_name: &str) -> Result<Root, CommandError> {
    Root::dangerous_parse_bundle_with_http_loopback(bytes)
        .map_err(|error| CommandError::Bundle { source_name: source_name.to_owned(), error })
}

/// Reads and parses `pintle.json`.
pub(crate) fn load_root(path: &Path) -> Result<Root, CommandError> {
    parse_root(&load_bundle(path)?, &path.display().to_string())
}
