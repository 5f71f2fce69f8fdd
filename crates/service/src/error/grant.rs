use super::{ErrorKind, Facts, ServiceError, facts, scope_word};
use pintle_api::Scope;

/// Why an API token was not made: it would have been more than what it is made with, or too much of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GrantError {
    /// The token in use reaches one organization or project, and this concerns the account.
    #[error("this API token is limited to an organization or a project; the account as a whole is out of its reach")]
    LimitedToken,
    /// A scope that the token in use does not have.
    #[error("the token in use lacks the scope `{}`, so that it cannot give it", scope_word(*.scope))]
    ScopeExceeded {
        /// The scope asked for.
        scope: Scope,
    },
    /// It would outlive the token in use.
    #[error("the new token would outlive the one in use, which ends at {latest_at} (seconds since 1970)")]
    LifetimeExceeded {
        /// When the token in use ends: seconds since 1970 UTC.
        latest_at: u64,
    },
    /// The account has as many as are allowed.
    #[error("the account has {limit} API tokens, and no more are allowed")]
    TooMany {
        /// How many.
        limit: u64,
    },
}

impl From<GrantError> for ServiceError {
    fn from(error: GrantError) -> Self {
        Self::Grant(error)
    }
}

impl GrantError {
    pub(super) fn facts(self) -> Facts {
        use ErrorKind::{Conflict, Forbidden, Unprocessable};
        match self {
            Self::LimitedToken => {
                facts("token_limited", Forbidden, "use a token without a limit, or sign in with a password")
            }
            Self::ScopeExceeded { .. } => {
                facts("scope_exceeded", Unprocessable, "ask for fewer scopes, or use a token that has them")
            }
            Self::LifetimeExceeded { .. } => facts(
                "lifetime_exceeded",
                Unprocessable,
                "ask for a shorter lifetime, or use a token that lasts longer",
            ),
            Self::TooMany { .. } => facts("too_many_tokens", Conflict, "revoke tokens that are no longer used"),
        }
    }
}
