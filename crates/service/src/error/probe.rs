use super::{ErrorKind, Facts, ServiceError, facts};

/// Why a report of a probe agent was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// No agent of the organization signed it.
    #[error("the report is not signed by the key of a probe agent of this organization")]
    Signature,
    /// Signed, and still not a report for this project that can be read.
    #[error("the report cannot be used: {what}")]
    Malformed {
        /// What is wrong.
        what: &'static str,
    },
    /// Signed too long ago, or in the future.
    #[error("the report was signed {difference_secs} s away from this server's time")]
    Stale {
        /// How far, either way.
        difference_secs: u64,
    },
    /// It was taken before, or a later one was.
    #[error("a report with this number or a higher one was taken already")]
    Replayed,
    /// There are as many as anybody keeps an eye on.
    #[error("the organization has {limit} probe agents, which is the most there may be")]
    TooMany {
        /// The most.
        limit: u64,
    },
}

impl From<ProbeError> for ServiceError {
    fn from(error: ProbeError) -> Self {
        Self::Probe(error)
    }
}

impl ProbeError {
    pub(super) const fn facts(&self) -> Facts {
        use ErrorKind::{Conflict, Unprocessable};
        match self {
            Self::Signature => {
                facts("report_signature_invalid", Unprocessable, "sign with the key whose public half was registered")
            }
            Self::Malformed { .. } => facts("report_malformed", Unprocessable, "use the same version as the server"),
            Self::Stale { .. } => facts("report_stale", Unprocessable, "set the clock of the agent's machine"),
            Self::Replayed => facts("report_replayed", Conflict, "give each agent a key of its own, and run it once"),
            Self::TooMany { .. } => {
                facts("probe_agents_too_many", Conflict, "remove one that reports no more: `pintle probe list`")
            }
        }
    }
}
