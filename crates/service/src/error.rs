mod account;
mod custody;
mod decode;
mod grant;
mod guard;
mod idempotency;
mod lookup;
mod member;

use pintle_api::{Scope, TokenError};
use pintle_core::{
    Code, ConfigError, KeyId,
    limits::{MAX_CONFIG_BYTES, MAX_SUCCESSION},
    root::SetupError,
};
use pintle_store::StoreError;

pub use account::AccountError;
pub use custody::CustodyError;
pub use decode::DecodeError;

use crate::Permission;

mod passkey;
mod probe;
mod release;
mod sso;
mod target;
mod webhook;

pub use grant::GrantError;
pub use guard::GuardError;
pub use idempotency::IdempotencyError;
pub use lookup::LookupError;
pub use member::MemberError;
pub use passkey::PasskeyError;
pub use probe::ProbeError;
pub use release::ReleaseError;
pub use sso::SsoError;
pub use target::TargetError;
pub use webhook::WebhookError;

/// Why an action was not taken. Nothing of it happened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// The text presented is no token.
    #[error("{0}")]
    TokenMalformed(#[from] TokenError),
    /// No such token, or expired.
    #[error("the API token is unknown, revoked or expired")]
    TokenUnknown,
    /// The token does not allow this.
    #[error("this API token lacks the scope `{}`", scope_word(*.needed))]
    ScopeMissing {
        /// The scope needed.
        needed: Scope,
    },
    /// The actor's role in the organization does not allow this.
    #[error("your role in this organization does not include `{}`", .needed.as_str())]
    RoleInsufficient {
        /// The permission needed.
        needed: Permission,
    },
    /// It does not exist, or not for this actor.
    #[error("no such {what}")]
    NotFound {
        /// Kind of thing.
        what: &'static str,
    },
    /// The name is taken.
    #[error("this {what} already exists")]
    AlreadyExists {
        /// Kind of thing.
        what: &'static str,
    },
    /// The draft changed since the caller looked.
    #[error("the draft has revision {found}, not {expected}")]
    RevisionMismatch {
        /// What the caller expected.
        expected: u64,
        /// What it is.
        found: u64,
    },
    /// A member of the request has a value that is not allowed.
    #[error("`{member}` must be {expected}")]
    ValueInvalid {
        /// The member.
        member: &'static str,
        /// What is allowed.
        expected: &'static str,
    },
    /// Not what the list answered as `next_cursor`.
    #[error("`cursor` is not one that this list gave")]
    CursorInvalid,
    /// Not a name that a configuration can hold.
    #[error("{name:?} is not a valid domain name or IP address")]
    DomainInvalid {
        /// As given.
        name: String,
    },
    /// Under this name anyone may register hosts.
    #[error("{name:?} is a public suffix: hosts under it belong to different owners")]
    PublicSuffix {
        /// As given.
        name: String,
    },
    /// The digest does not fit its type.
    #[error("the digest is not {expected_bytes} bytes in standard base64 with padding, as `{pin_type}` needs")]
    PinInvalid {
        /// As the configuration spells it.
        pin_type: &'static str,
        /// Length of its digest.
        expected_bytes: usize,
    },
    /// `verified` without a log whose signatures could be checked.
    #[error("the draft has no Certificate Transparency log, and `verified` needs some")]
    CtLogsMissing,
    /// Settings that contradict each other.
    #[error("the draft cannot be released: {0}")]
    DraftInvalid(#[source] ConfigError),
    /// The configuration would exceed what a device accepts.
    #[error("the configuration would have {bytes} bytes; at most {} are allowed", MAX_CONFIG_BYTES)]
    DraftTooLarge {
        /// Its size, signed.
        bytes: usize,
    },
    /// Nothing to release.
    #[error("release {version} says the same already")]
    DraftUnchanged {
        /// The last accepted release.
        version: u64,
    },
    /// The keys are not usable together (P-1.1, P-1.2).
    #[error("{0}")]
    KeyInvalid(#[from] SetupError),
    /// Nothing can be prepared or accepted before the project has a key.
    #[error("the project has no signing key yet")]
    KeyMissing,
    /// Apps already rely on the key.
    #[error("the project's key cannot be replaced: it has releases")]
    KeyFixed,
    /// Nothing was released yet: no app relies on the key.
    #[error("the project's key needs no successor: it has no release yet")]
    KeyNotInUse,
    /// The core refused the succession statement.
    #[error("{0}")]
    Statement(#[source] ConfigError),
    /// Somebody was first, or the statement was made for something else.
    #[error("the statement has seq {found}; the next one of this project has seq {expected}")]
    StatementOutOfTurn {
        /// `seq` of the statement.
        found: u64,
        /// `seq` of the next one.
        expected: u64,
    },
    /// A key of the project, past, present or for recovery, cannot be its next one.
    #[error("the key {kid} is or was a key of this project; its next key must be a new one")]
    KeyReused {
        /// Thumbprint of the key.
        kid: KeyId,
    },
    /// P-5.2.
    #[error("the succession chain has {MAX_SUCCESSION} statements, and apps accept no longer one")]
    SuccessionFull,
    /// The file leads apps to the signing key in another way than the project's statements do.
    #[error("release {version} does not carry the project's succession chain as it stands now")]
    SuccessionOutdated {
        /// Number in the signed file.
        version: u64,
    },
    /// The core refused the signed file.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// These claims were never prepared, or voided by a later release.
    #[error("release {version} is not prepared: it never was, or a later release voided it")]
    NotPrepared {
        /// Number in the signed file.
        version: u64,
    },
    /// The claims are not the ones prepared.
    #[error("the signed claims are not, byte for byte, those prepared for release {version}")]
    ClaimsAltered {
        /// Number in the signed file.
        version: u64,
    },
    /// The idempotency key was used before.
    #[error(transparent)]
    Idempotency(#[from] IdempotencyError),
    /// Nothing was looked up.
    #[error(transparent)]
    Lookup(LookupError),
    /// Decoding for whoever asks.
    #[error(transparent)]
    Decode(DecodeError),
    /// About members and invitations.
    #[error(transparent)]
    Member(MemberError),
    /// About API tokens.
    #[error(transparent)]
    Grant(GrantError),
    /// Publish targets.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// About webhooks.
    #[error(transparent)]
    Webhook(#[from] WebhookError),
    /// About the safe-publish guard.
    #[error(transparent)]
    Guard(#[from] GuardError),
    /// A release did not go on its way.
    #[error(transparent)]
    Release(#[from] ReleaseError),
    /// About keys that the server keeps.
    #[error(transparent)]
    Custody(#[from] CustodyError),
    /// The operator's plan ends here.
    #[error("the plan of this installation allows {limit} {what}, and that would be more")]
    PlanLimitReached {
        /// What is limited, as in "projects per organization".
        what: &'static str,
        /// How many.
        limit: u64,
    },
    /// Accounts, passwords and sessions.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// Single sign-on.
    #[error(transparent)]
    Sso(SsoError),
    /// Passkeys.
    #[error(transparent)]
    Passkey(PasskeyError),
    /// Probe agents.
    #[error(transparent)]
    Probe(ProbeError),
    /// The database failed.
    #[error(transparent)]
    Store(StoreError),
    /// A failure of our own.
    #[error("internal failure: {0}")]
    Internal(&'static str),
}

/// What kind of failure it is, whatever the protocol that carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// Who is asking is not known.
    Unauthenticated,
    /// Known, and not allowed.
    Forbidden,
    /// Not there, or not for this actor.
    NotFound,
    /// The state of things does not allow it (any longer).
    Conflict,
    /// A condition that the caller set does not hold.
    PreconditionFailed,
    /// Too large.
    TooLarge,
    /// Understood, and wrong.
    Unprocessable,
    /// Too often; later.
    TooMany,
    /// Somebody else on whom it depends fails.
    Upstream,
    /// Later, perhaps.
    Unavailable,
    /// A failure of our own.
    Internal,
}

impl From<StoreError> for ServiceError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// What clients are told of a failure besides its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) code: &'static str,
    pub(crate) kind: ErrorKind,
    pub(crate) hint: Option<&'static str>,
}

/// A failure that the caller can do something about.
pub(crate) const fn facts(code: &'static str, kind: ErrorKind, hint: &'static str) -> Facts {
    Facts { code, kind, hint: Some(hint) }
}

impl ServiceError {
    /// Stable code; the core's own where the core refused.
    pub fn code(&self) -> &'static str {
        self.facts().code
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        self.facts().kind
    }

    /// What to do about it, if there is something to say.
    pub fn hint(&self) -> Option<&'static str> {
        self.facts().hint
    }

    fn facts(&self) -> Facts {
        use ErrorKind::{
            Conflict, Forbidden, Internal, NotFound, PreconditionFailed, TooLarge, Unauthenticated, Unavailable,
            Unprocessable,
        };
        match self {
            Self::TokenMalformed(_) | Self::TokenUnknown => {
                facts("token_invalid", Unauthenticated, "sign in again with a valid API token")
            }
            Self::ScopeMissing { .. } => facts("scope_missing", Forbidden, "use a token with that scope"),
            Self::RoleInsufficient { .. } => {
                facts("role_insufficient", Forbidden, "ask an owner or admin of the organization")
            }
            Self::NotFound { .. } => facts("not_found", NotFound, "check the id; list what is there to find it"),
            Self::AlreadyExists { what: "pin" } => {
                facts("already_exists", Conflict, "nothing is left to do: the domain has this pin")
            }
            Self::AlreadyExists { .. } => {
                facts("already_exists", Conflict, "use the existing one, or choose another name")
            }
            Self::RevisionMismatch { .. } => facts(
                "revision_mismatch",
                PreconditionFailed,
                "read the draft again, then repeat the change if it still makes sense",
            ),
            Self::ValueInvalid { .. } => Facts { code: "value_invalid", kind: Unprocessable, hint: None },
            Self::CursorInvalid => {
                facts("cursor_invalid", Unprocessable, "send `next_cursor` as it came, or begin again without one")
            }
            Self::DomainInvalid { .. } => facts(
                "domain_invalid",
                Unprocessable,
                "write a host name, `*.name`, `**.name`, or an IP address; no scheme or port",
            ),
            Self::PublicSuffix { .. } => {
                facts("public_suffix", Unprocessable, "pin a name that one owner controls, as example.com")
            }
            Self::PinInvalid { .. } => {
                facts("pin_invalid", Unprocessable, "compute the pin from the certificate instead of typing it")
            }
            Self::CtLogsMissing => facts("ct_logs_missing", Unprocessable, "import a log list first"),
            Self::DraftInvalid(_) => facts("draft_invalid", Unprocessable, "correct the entry named in the message"),
            Self::DraftTooLarge { .. } => {
                facts("config_too_large", Unprocessable, "remove pins or domains, or split the project")
            }
            Self::DraftUnchanged { .. } => facts(
                "draft_unchanged",
                Conflict,
                "change the draft first; to renew its dates alone, ask for it explicitly",
            ),
            Self::KeyInvalid(_) => facts(
                "setup_invalid",
                Unprocessable,
                "register the public half of a P-256 key, and a different recovery key",
            ),
            Self::KeyMissing => {
                facts("key_missing", Conflict, "generate a key where it will stay, and register its public half")
            }
            Self::KeyFixed => facts(
                "key_fixed",
                Conflict,
                "rotate the key by a succession statement; without the old key, create a new project",
            ),
            Self::KeyNotInUse => facts("key_not_in_use", Conflict, "register another key in its place"),
            Self::KeyReused { .. } => facts("key_reused", Unprocessable, "generate a new key"),
            Self::StatementOutOfTurn { .. } => {
                facts("statement_out_of_turn", Conflict, "list the statements, and make one that follows the last")
            }
            Self::SuccessionFull => facts(
                "succession_full",
                Conflict,
                "sign the next statement with the recovery key: the chain begins again with it",
            ),
            Self::SuccessionOutdated { .. } => facts(
                "succession_outdated",
                Conflict,
                "prepare again, and sign with the project's current key and the chain you get",
            ),
            Self::Statement(error) => facts(
                error.code().as_str(),
                Unprocessable,
                "sign it with the project's current key, or with its recovery key",
            ),
            Self::Config(error) => facts(
                error.code().as_str(),
                match error.code() {
                    Code::ConfigTooLarge => TooLarge,
                    Code::ConfigRollback | Code::ConfigEquivocation | Code::ConfigExpired => Conflict,
                    _ => Unprocessable,
                },
                "prepare again, and sign with the project's registered key",
            ),
            Self::NotPrepared { .. } => {
                facts("release_not_prepared", Conflict, "prepare again, and sign exactly what you get")
            }
            Self::ClaimsAltered { .. } => {
                facts("claims_altered", Unprocessable, "prepare again, and sign exactly what you get")
            }
            Self::Idempotency(error) => error.facts(),
            Self::Lookup(error) => error.facts(),
            Self::Decode(error) => error.facts(),
            Self::Member(error) => error.facts(),
            Self::Grant(error) => error.facts(),
            Self::Release(error) => error.facts(),
            Self::Target(error) => error.facts(),
            Self::Webhook(error) => error.facts(),
            Self::Guard(error) => error.facts(),
            Self::Custody(error) => error.facts(),
            Self::PlanLimitReached { .. } => facts(
                "plan_limit_reached",
                Forbidden,
                "remove one that is no longer needed, or ask whoever runs this server for more",
            ),
            Self::Account(error) => error.facts(),
            Self::Sso(error) => error.facts(),
            Self::Passkey(error) => error.facts(),
            Self::Probe(error) => error.facts(),
            Self::Store(_) => facts("database_unavailable", Unavailable, "try again in a moment"),
            Self::Internal(_) => Facts { code: "internal_error", kind: Internal, hint: None },
        }
    }
}

fn scope_word(scope: Scope) -> &'static str {
    match scope {
        Scope::Read => "read",
        Scope::Edit => "edit",
        Scope::Release => "release",
        Scope::Admin => "admin",
    }
}
