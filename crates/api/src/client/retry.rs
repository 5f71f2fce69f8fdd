//! When a request is sent again.

use std::time::Duration;

use reqwest::{Method, Request};

use super::ClientError;

pub(super) const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// A server that is being restarted, or whose database is, is back within seconds.
const WAITS: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(2)];

/// A fresh key: 128 random bits, a string as the draft has it.
pub(super) fn make_key() -> Result<String, ClientError> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|_| ClientError::NoRandomness)?;
    Ok(format!("\"{:032x}\"", u128::from_be_bytes(random)))
}

/// How long to wait before each further attempt; none where a second attempt might do something twice.
pub(super) fn waits(request: &Request) -> impl Iterator<Item = Duration> + use<> {
    let is_safe = request.method() == Method::GET || request.headers().contains_key(IDEMPOTENCY_KEY);
    WAITS.into_iter().filter(move |_| is_safe)
}

/// Whether another attempt may fare better: the connection broke, the server is unavailable for the moment, or it still
/// works on the first attempt. A server that cannot be connected to, or was too slow, is not waited for.
pub(super) fn may_pass(error: &ClientError) -> bool {
    match error {
        ClientError::Transport(error) => !error.is_connect() && !error.is_timeout() && !error.is_builder(),
        ClientError::Problem(problem) => problem.status == 503 || problem.code == "idempotency_in_progress",
        _ => false,
    }
}
