use std::{io, time::Duration};

use pintle_core::limits::MAX_CHAIN_CERTIFICATES;

use crate::{DestinationError, Endpoint, limits::MAX_CONNECTION_BYTES};

/// What the system, or the other side, said; comparable, unlike [`io::Error`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct IoFailure {
    /// Kind of error.
    pub kind: io::ErrorKind,
    /// In words.
    pub message: String,
}

impl From<io::Error> for IoFailure {
    fn from(error: io::Error) -> Self {
        Self { kind: error.kind(), message: error.to_string() }
    }
}

/// Why one address showed nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SightError {
    /// Not connected to.
    #[error("is not looked at: {0}")]
    Destination(#[from] DestinationError),
    /// Nobody listens, or the network is down.
    #[error("cannot be reached: {0}")]
    Connect(IoFailure),
    /// The way there is closed.
    #[error("cannot be reached through the proxy: {0}")]
    Proxy(String),
    /// It does not offer TLS the way it was asked for.
    #[error("does not start TLS: {0}")]
    StartTls(String),
    /// No answer in time.
    #[error("did not complete a TLS handshake within {} seconds", .0.as_secs_f64().ceil())]
    TimedOut(Duration),
    /// More than any handshake needs.
    #[error("sent more than {MAX_CONNECTION_BYTES} bytes without completing a TLS handshake")]
    TooManyBytes,
    /// More than any chain needs; an app refuses it too (P-4.3).
    #[error("presents {0} certificates; {MAX_CHAIN_CERTIFICATES} are accepted")]
    ChainTooLong(usize),
    /// It answers, but not with TLS 1.2 or 1.3 that we can speak, or it does not hold the key of its certificate.
    #[error("speaks no TLS that we can: {0}")]
    Handshake(IoFailure),
}

/// Why an endpoint showed nothing at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{endpoint} {cause}")]
pub struct ProbeError {
    /// Where to.
    pub endpoint: Endpoint,
    /// What happened.
    pub cause: ProbeFailure,
}

/// See [`ProbeError`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeFailure {
    /// The name does not resolve, or not in time.
    #[error("has no address: {0}")]
    Name(IoFailure),
    /// Every address of it failed; the reason of the first.
    #[error("{0}")]
    Sight(#[from] SightError),
}
