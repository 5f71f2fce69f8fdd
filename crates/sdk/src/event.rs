use std::fmt;

use pintle_core::{Code, ConfigError, Decision, Floor, UnixTime, decide::Verdict};

use crate::{FetchError, StoreError};

/// Something that happened to an installation, told to listeners and to the log.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A connection was decided; final.
    Connection {
        /// As the app named it.
        host: String,
        /// What was decided.
        decision: Decision,
        /// The release it was decided by, if there was one.
        version: Option<u64>,
    },
    /// A refusal made the SDK ask for news before it becomes final (P-4.11).
    RefreshForced {
        /// As the app named it.
        host: String,
        /// What would refuse.
        code: Code,
    },
    /// A configuration is now in force.
    ConfigAccepted {
        /// Where it comes from.
        source: Source,
        /// Its release number and recovery.
        floor: Floor,
    },
    /// A file was refused; what was in force stays.
    ConfigRejected {
        /// Where it comes from.
        source: Source,
        /// Why.
        error: ConfigError,
    },
    /// The configuration in force is past its `exp` and says `on_stale: keep` (P-3.8).
    ConfigStale {
        /// `exp`.
        expired_at: UnixTime,
    },
    /// The configuration in force has too old a list of Certificate Transparency logs: `ct: verified` only reports
    /// until a newer one comes (P-6.4).
    CtListStale {
        /// When the list was made.
        as_of: UnixTime,
    },
    /// The project was withdrawn (P-7.5): nothing is allowed until a higher release comes.
    ConfigWithdrawn,
    /// A URL gave no acceptable answer; what was in force stays (P-7.4).
    FetchFailed {
        /// The URL asked.
        url: String,
        /// Why.
        error: FetchError,
    },
    /// State could not be written; it is used in memory (P-3.10).
    StoreFailed(StoreError),
    /// A damaged or unacceptable part of the store was set aside (P-3.10).
    StoreSetAside {
        /// Which part.
        part: StorePart,
    },
}

/// How much an event matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Every connection that matched a pin.
    Debug,
    /// What runs as it should.
    Info,
    /// What was refused or would be.
    Warn,
    /// What somebody must look at.
    Error,
}

impl Severity {
    /// In lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// Where a configuration comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Shipped inside the app.
    Seed,
    /// Kept from an earlier run.
    Store,
    /// Fetched from this URL.
    Url(String),
}

/// A part of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorePart {
    /// The accepted file.
    Config,
    /// Floor, chain, time floor, flags, draw and ETags.
    Memory,
}

impl Event {
    /// The stable code (P-8.1), where the event is a failure or a warning.
    #[must_use]
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Connection { decision, .. } => decision.code(),
            Self::RefreshForced { .. } => Some(Code::RetryAfterRefresh),
            Self::ConfigAccepted { .. } => None,
            Self::ConfigRejected { error, .. } => Some(error.code()),
            Self::ConfigStale { .. } => Some(Code::ConfigStale),
            Self::CtListStale { .. } => Some(Code::CtListStale),
            Self::ConfigWithdrawn => Some(Code::ConfigWithdrawn),
            Self::FetchFailed { .. } => Some(Code::FetchFailed),
            Self::StoreFailed(_) | Self::StoreSetAside { .. } => Some(Code::StoreFailed),
        }
    }

    /// What happened, in one word that stays the same.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Connection { .. } => "connection",
            Self::RefreshForced { .. } => "refresh_forced",
            Self::ConfigAccepted { .. } => "config_accepted",
            Self::ConfigRejected { .. } => "config_rejected",
            Self::ConfigStale { .. } => "config_stale",
            Self::CtListStale { .. } => "ct_list_stale",
            Self::ConfigWithdrawn => "config_withdrawn",
            Self::FetchFailed { .. } => "fetch_failed",
            Self::StoreFailed(_) => "store_failed",
            Self::StoreSetAside { .. } => "store_set_aside",
        }
    }

    /// How much it matters.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        match self {
            Self::Connection { decision, .. } => match decision.verdict {
                Verdict::Pinned { .. } => Severity::Debug,
                Verdict::NotCovered => Severity::Info,
                Verdict::Reported { .. } | Verdict::Refused { .. } => Severity::Warn,
            },
            Self::RefreshForced { .. } | Self::ConfigAccepted { .. } => Severity::Info,
            Self::ConfigRejected { .. }
            | Self::ConfigStale { .. }
            | Self::CtListStale { .. }
            | Self::FetchFailed { .. } => Severity::Warn,
            Self::ConfigWithdrawn | Self::StoreFailed(_) | Self::StoreSetAside { .. } => Severity::Error,
        }
    }

    /// The host it is about, as the app named it.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        match self {
            Self::Connection { host, .. } | Self::RefreshForced { host, .. } => Some(host),
            _ => None,
        }
    }

    pub(crate) fn log(&self) {
        let code = self.code().map(Code::as_str);
        match self {
            Self::Connection { host, decision, .. } => log_connection(host, decision, code),
            Self::RefreshForced { host, code: refusal } => {
                tracing::info!(connection.host = %host, decision.code = %refusal, "refreshing before refusing");
            }
            Self::ConfigAccepted { source, floor } => {
                tracing::info!(config.source = ?source, config.version = floor.version, "configuration accepted");
            }
            Self::ConfigRejected { source, error } => {
                tracing::warn!(config.source = ?source, error.code = code, error = %error, "configuration refused");
            }
            Self::ConfigStale { expired_at } => {
                tracing::warn!(config.expired_at = expired_at.as_secs(), "configuration past its expiry, still used");
            }
            Self::CtListStale { as_of } => {
                tracing::warn!(
                    ct.list_as_of = as_of.as_secs(),
                    "log list too old: Certificate Transparency only reports"
                );
            }
            Self::ConfigWithdrawn => tracing::error!("project withdrawn: every connection is refused"),
            Self::FetchFailed { url, error } => {
                tracing::warn!(fetch.url = %url, error = %error, "no acceptable answer");
            }
            Self::StoreFailed(error) => {
                tracing::error!(error = %error, "state not written; used in memory");
            }
            Self::StoreSetAside { part } => tracing::error!(store.part = ?part, "damaged store set aside"),
        }
    }
}

/// One sentence without a full stop, for logs that take no fields.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection { host, decision, .. } => match &decision.verdict {
                Verdict::Pinned { domain, .. } => write!(f, "{host}: pinned by {domain}"),
                Verdict::NotCovered => write!(f, "{host}: allowed by the platform alone, there is no entry"),
                Verdict::Reported { violation, .. } => write!(f, "{host}: allowed although {violation}: only reported"),
                Verdict::Refused { code, .. } => write!(f, "{host}: refused: {code}"),
            },
            Self::RefreshForced { host, code } => write!(f, "{host}: refreshing before refusing: {code}"),
            Self::ConfigAccepted { source, floor } => {
                write!(f, "configuration {} accepted from {source}", floor.version)
            }
            Self::ConfigRejected { source, error } => write!(f, "configuration from {source} refused: {error}"),
            Self::ConfigStale { expired_at } => {
                write!(f, "configuration past its expiry ({}), still used", expired_at.as_secs())
            }
            Self::CtListStale { as_of } => {
                write!(f, "log list too old ({}): Certificate Transparency only reports", as_of.as_secs())
            }
            Self::ConfigWithdrawn => f.write_str("project withdrawn: every connection is refused"),
            Self::FetchFailed { url, error } => write!(f, "no acceptable answer from {url}: {error}"),
            Self::StoreFailed(error) => write!(f, "state not written, used in memory: {error}"),
            Self::StoreSetAside { part } => write!(f, "damaged store set aside: {part:?}"),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seed => f.write_str("the seed"),
            Self::Store => f.write_str("the store"),
            Self::Url(url) => f.write_str(url),
        }
    }
}

fn log_connection(host: &str, decision: &Decision, code: Option<&'static str>) {
    match &decision.verdict {
        Verdict::Pinned { domain, position, .. } => {
            tracing::debug!(connection.host = %host, domain.name = %domain, path.position = position, "pinned");
        }
        Verdict::NotCovered => tracing::info!(connection.host = %host, "allowed by the platform alone: no entry"),
        Verdict::Reported { domain, .. } => {
            tracing::warn!(connection.host = %host, domain.name = %domain, decision.code = code, "allowed, reported");
        }
        Verdict::Refused { .. } => tracing::warn!(connection.host = %host, decision.code = code, "refused"),
    }
}
