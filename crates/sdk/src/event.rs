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

    pub(crate) fn log(&self) {
        let code = self.code().map(Code::as_str);
        match self {
            Self::Connection { host, decision } => log_connection(host, decision, code),
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
