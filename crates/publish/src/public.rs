//! What apps get.

use std::error::Error as _;

use reqwest::StatusCode;

use crate::{Address, http::make_http};

/// Why nothing was read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublicError {
    /// Nobody answered, or not to the end.
    #[error("{0}")]
    Unreachable(String),
    /// It answers, and not with the file.
    #[error("it answers {0}")]
    Status(u16),
    /// There is more than a file of this kind may have.
    #[error("it has more than {0} bytes")]
    TooLarge(usize),
}

/// Reads a file as apps do, below `base_url`, which is the operator's word: up to `max_bytes`, without redirects, within ten
/// seconds, and past caches that are not the CDN's own.
///
/// # Errors
/// [`PublicError`].
pub async fn read_public(base_url: &str, address: &Address, max_bytes: usize) -> Result<Vec<u8>, PublicError> {
    let url = format!("{}/{address}", base_url.trim_end_matches('/'));
    let http = make_http().map_err(|error| PublicError::Unreachable(error.to_string()))?;
    let mut answer = http.get(&url).send().await.map_err(|error| unreachable(&error))?;
    if answer.status() != StatusCode::OK {
        return Err(PublicError::Status(answer.status().as_u16()));
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| unreachable(&error))? {
        body.extend_from_slice(&chunk);
        if body.len() > max_bytes {
            return Err(PublicError::TooLarge(max_bytes));
        }
    }
    Ok(body)
}

fn unreachable(error: &reqwest::Error) -> PublicError {
    let mut innermost = error.source();
    while let Some(source) = innermost.and_then(std::error::Error::source) {
        innermost = Some(source);
    }
    PublicError::Unreachable(innermost.map_or_else(|| error.to_string(), ToString::to_string))
}
