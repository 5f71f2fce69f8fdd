use std::time::Duration;

use pintle_core::Mode;

use crate::FetchError;

/// What is particular to an installation.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// What happens to hosts without an entry.
    pub mode: Mode,
    /// Eight random bytes to draw from where the record holds no draw yet (P-2.5). `None` without persistence.
    pub draw_from: Option<u64>,
    /// Eight random bytes that spread refreshes over installations.
    pub chance: u64,
    /// Generation to begin with: above every one that a predecessor of this pinner gave out.
    pub first_generation: u64,
    /// To the last byte of an answer: 1 to 120 seconds.
    pub fetch_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        let fetch_timeout = Duration::from_secs(10);
        Self { mode: Mode::Strict, draw_from: None, chance: 0, first_generation: 0, fetch_timeout }
    }
}

/// What the host should do now.
#[derive(Debug)]
pub enum Action {
    /// Nothing until then on the monotonic clock, or until an answer or a forced refresh comes.
    Idle {
        /// On the monotonic clock.
        until: Duration,
    },
    /// Fetch this and [`feed`](crate::Pinner::feed) the answer; ask again at once for more.
    Fetch(Fetch),
}

/// One request to make (P-7.3): ordinary Web PKI, own client, no redirect, no local cache, `Accept-Encoding: identity`.
#[derive(Clone, Debug)]
pub struct Fetch {
    /// Where.
    pub url: String,
    /// `None`: a GET. Else a POST of this (`Content-Type: application/json`), of whose answer the status alone is read.
    pub body: Option<Vec<u8>>,
    /// `If-None-Match`, where there is one.
    pub etag: Option<String>,
    /// Whether to send `Cache-Control: no-cache`.
    pub no_cache: bool,
    /// Largest body.
    pub max_bytes: usize,
    /// To the last byte.
    pub timeout: Duration,
    pub(crate) errand: Errand,
}

impl Fetch {
    /// Of a refresh: its number, and that of the base URL.
    pub(crate) const fn refresh(&self) -> Option<(u64, usize)> {
        match self.errand {
            Errand::Refresh { round, base } => Some((round, base)),
            #[cfg(feature = "disk")]
            Errand::Report(_) => None,
        }
    }
}

/// What a [`Fetch`] is for.
#[derive(Clone, Debug)]
pub(crate) enum Errand {
    /// A configuration from the base URL of that number.
    Refresh { round: u64, base: usize },
    /// Sums for a collector.
    #[cfg(feature = "disk")]
    Report(crate::report::Report),
}

/// What came of a [`Fetch`].
#[derive(Clone, Debug)]
pub enum Answer {
    /// 200.
    Config {
        /// The body.
        bytes: Vec<u8>,
        /// `ETag`.
        etag: Option<String>,
    },
    /// 304.
    NotModified,
    /// Anything else.
    Failed(FetchError),
}

impl Answer {
    /// What a server said: its `status`, its `ETag` and `Retry-After` headers, its decoded body (read for 200 alone).
    #[must_use]
    pub fn from_http(status: u16, etag: Option<String>, retry_after: Option<&str>, body: Vec<u8>) -> Self {
        match status {
            200 => Self::Config { bytes: body, etag },
            304 => Self::NotModified,
            410 => Self::Failed(FetchError::Gone),
            status => {
                // A number of seconds; a date would need the device's clock to be right.
                let retry_after = retry_after.and_then(|value| value.parse().ok()).map(Duration::from_secs);
                Self::Failed(FetchError::Status { status, retry_after })
            }
        }
    }
}

/// How an answer was judged.
#[derive(Debug)]
#[must_use]
pub enum Fed {
    /// A new configuration is in force.
    Updated,
    /// The copy in use is current.
    Unchanged,
    /// Not acceptable; nothing changed.
    Rejected(FetchError),
    /// The refresh it belongs to is over; not looked at.
    TooLate,
}
