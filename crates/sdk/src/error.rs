use std::{io, path::PathBuf, time::Duration};

use pintle_core::{Code, ConfigError};

/// Why a URL gave no acceptable answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// Another status than 200, 304 or 410; redirects included (P-7.3).
    #[error("the server answered with status {status}{}", hint(*status))]
    Status {
        /// HTTP status code.
        status: u16,
        /// `Retry-After`, if it was a number of seconds.
        retry_after: Option<Duration>,
    },
    /// 410 (P-7.5).
    #[error("the server says the project is gone")]
    Gone,
    /// 304 although no ETag of ours was sent.
    #[error("the server answered 304 to an unconditional request")]
    UnaskedNotModified,
    /// The last byte did not come in time.
    #[error("no complete answer within {0:?}")]
    TimedOut(Duration),
    /// More bytes than a configuration may have.
    #[error("the answer has more than {0} bytes")]
    TooLarge(usize),
    /// No connection, no TLS, or the connection broke.
    #[error("{0}")]
    Transport(String),
    /// The host never said what came of it.
    #[error("the answer was lost")]
    Lost,
    /// The file is not acceptable.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

/// Object stores say 403 for what is not there.
const fn hint(status: u16) -> &'static str {
    match status {
        403 | 404 => ": nothing was released for this organization and project, or an id or the URL is wrong",
        _ => "",
    }
}

impl FetchError {
    /// The stable code (P-8.1).
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Config(error) => error.code(),
            _ => Code::FetchFailed,
        }
    }
}

/// Why the store could not be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {kind}", path.display())]
pub struct StoreError {
    /// File or directory.
    pub path: PathBuf,
    /// What the operating system said.
    pub kind: io::ErrorKind,
}
