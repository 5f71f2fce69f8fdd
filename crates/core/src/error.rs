use alloc::{borrow::ToOwned, format, string::String};
use core::fmt;

use crate::{Code, KeyId, OrganizationId, ProjectId, UnixTime};

/// Why a configuration was not accepted (section 3). Holds the values that disagreed; [`code`](Self::code) is
/// the stable code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// P-3.1.
    #[error("the configuration has {bytes} bytes; at most {limit} are allowed")]
    TooLarge {
        /// Size received.
        bytes: usize,
        /// Size allowed.
        limit: usize,
    },
    /// P-3.1, P-3.4, P-5.1.
    #[error("the configuration is malformed: {0}")]
    Malformed(#[from] Malformed),
    /// P-3.2.
    #[error("the configuration names the signing key {found:?}, but the embedded root leads to {expected}")]
    KeyUnknown {
        /// `kid` of the file.
        found: String,
        /// Thumbprint of the key that the root and the succession chain lead to.
        expected: KeyId,
    },
    /// P-5.1 to P-5.3.
    #[error("the succession statement with seq {seq} does not continue from the embedded keys")]
    SuccessionUntrusted {
        /// `seq` of the statement that could not be verified.
        seq: u64,
    },
    /// P-3.3.
    #[error("the signature does not verify under the key {kid}")]
    SignatureInvalid {
        /// Thumbprint of the key that was tried.
        kid: KeyId,
    },
    /// P-3.4, P-9.1, P-9.2.
    #[error("the configuration needs a newer implementation: {0}")]
    Unsupported(Unsupported),
    /// P-3.5.
    #[error("the configuration belongs to {}/{}, not to {}/{}", found.0, found.1, expected.0, expected.1)]
    WrongProject {
        /// Organization and project of the root.
        expected: (OrganizationId, ProjectId),
        /// `iss` and `sub` of the file.
        found: (OrganizationId, ProjectId),
    },
    /// P-3.6.
    #[error("`{claim}` is {value}, more than a day after now ({latest} is the latest accepted)")]
    NotYetValid {
        /// `iat` or `nbf`.
        claim: &'static str,
        /// Its value.
        value: UnixTime,
        /// The latest value accepted.
        latest: UnixTime,
    },
    /// P-3.7.
    #[error(
        "release {} (recovery {}) is older than release {} (recovery {}), already accepted",
        found.1, found.0, floor.1, floor.0
    )]
    Rollback {
        /// (`r`, `ver`) of the file.
        found: (u64, u64),
        /// (`r`, `ver`) of the floor.
        floor: (u64, u64),
    },
    /// P-5.4: the chain ends before one that was already accepted.
    #[error("the succession chain ends at seq {found}; one that ends at seq {accepted} was already accepted")]
    SuccessionRollback {
        /// Last `seq` of the file's chain, 0 if it has none.
        found: u64,
        /// Last `seq` of the stored chain.
        accepted: u64,
    },
    /// P-3.7.
    #[error("release {version} was already accepted with other content")]
    Equivocation {
        /// `ver` of both.
        version: u64,
    },
    /// P-5.4.
    #[error("another succession statement with seq {seq} was already accepted")]
    SuccessionFork {
        /// `seq` of both.
        seq: u64,
    },
    /// P-3.8.
    #[error("the configuration expired at {expired_at} and says `on_stale: fail`; it is {now}")]
    Expired {
        /// `exp`.
        expired_at: UnixTime,
        /// `T` of section 3.
        now: UnixTime,
    },
}

impl ConfigError {
    /// The stable code (P-8.1).
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::TooLarge { .. } => Code::ConfigTooLarge,
            Self::Malformed(_) => Code::ConfigMalformed,
            Self::KeyUnknown { .. } | Self::SuccessionUntrusted { .. } => Code::ConfigKeyUnknown,
            Self::SignatureInvalid { .. } => Code::ConfigSignatureInvalid,
            Self::Unsupported(_) => Code::ConfigUnsupported,
            Self::WrongProject { .. } => Code::ConfigWrongProject,
            Self::NotYetValid { .. } => Code::ConfigNotYetValid,
            Self::Rollback { .. } | Self::SuccessionRollback { .. } => Code::ConfigRollback,
            Self::Equivocation { .. } | Self::SuccessionFork { .. } => Code::ConfigEquivocation,
            Self::Expired { .. } => Code::ConfigExpired,
        }
    }
}

/// What a newer file asks for that this implementation does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unsupported {
    /// `fmt` is another number than 1.
    Format(u64),
    /// A name in `needs`.
    Need(String),
    /// An unknown value of a known enum.
    Value {
        /// Member that holds it, e.g. `on_stale`.
        member: &'static str,
        /// The value.
        value: String,
    },
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format(format) => write!(f, "format {format}"),
            Self::Need(need) => write!(f, "`needs` names {need:?}"),
            Self::Value { member, value } => write!(f, "`{member}` is {value:?}"),
        }
    }
}

/// Where and why input is not well formed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Path of the member, e.g. `domains[2].pins[0].digest`; empty for the whole.
    pub at: String,
    /// What is wrong there.
    pub reason: MalformedReason,
}

/// What is wrong with malformed input.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MalformedReason {
    /// Not three parts joined by dots.
    NotCompactJws,
    /// Not base64 in its one strict spelling, or of the wrong length.
    Base64,
    /// Not JSON.
    Json,
    /// Arrays and objects nested more than 16 deep.
    TooDeep,
    /// A member name stands twice in one object.
    DuplicateMember,
    /// A member that must be there is not.
    Missing,
    /// A member that must not be there.
    UnexpectedMember,
    /// Another JSON type than expected.
    WrongType {
        /// The type expected, with its article.
        expected: &'static str,
    },
    /// Of the right type but not an allowed value.
    Value {
        /// What is allowed.
        expected: &'static str,
    },
    /// More elements or bytes than allowed.
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// Something that must be unique is repeated.
    Repeated,
}

impl Malformed {
    pub(crate) fn within(mut self, name: &str) -> Self {
        self.at = match self.at.as_bytes().first() {
            None => name.to_owned(),
            Some(b'[') => format!("{name}{}", self.at),
            Some(_) => format!("{name}.{}", self.at),
        };
        self
    }

    pub(crate) fn within_index(self, index: usize) -> Self {
        self.within(&format!("[{index}]"))
    }
}

impl From<MalformedReason> for Malformed {
    fn from(reason: MalformedReason) -> Self {
        Self { at: String::new(), reason }
    }
}

impl From<MalformedReason> for ConfigError {
    fn from(reason: MalformedReason) -> Self {
        Self::Malformed(reason.into())
    }
}

impl core::error::Error for Malformed {}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.at.is_empty() { self.reason.fmt(f) } else { write!(f, "`{}`: {}", self.at, self.reason) }
    }
}

impl fmt::Display for MalformedReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotCompactJws => f.write_str("not three parts joined by dots"),
            Self::Base64 => f.write_str("not strict base64 of the right length"),
            Self::Json => f.write_str("not valid JSON"),
            Self::TooDeep => f.write_str("nested too deeply"),
            Self::DuplicateMember => f.write_str("a member name stands twice in one object"),
            Self::Missing => f.write_str("missing"),
            Self::UnexpectedMember => f.write_str("not allowed here"),
            Self::WrongType { expected } => write!(f, "not {expected}"),
            Self::Value { expected } => write!(f, "must be {expected}"),
            Self::TooMany { limit } => write!(f, "more than {limit}"),
            Self::Repeated => f.write_str("repeated"),
        }
    }
}
