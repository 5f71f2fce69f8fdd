use super::{ErrorKind, Facts, ServiceError, facts};

/// Why single sign-on did not sign in, or link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SsoError {
    /// No such provider is configured.
    #[error("there is no such provider of single sign-on")]
    ProviderUnknown,
    /// An answer would go to somebody else.
    #[error("the redirect URI is neither this server's own nor one of a loopback address")]
    RedirectInvalid,
    /// The answer belongs to no attempt of whoever brings it.
    #[error("this sign-in is unknown, used, expired, or was begun elsewhere")]
    AttemptInvalid,
    /// The provider's answer proves nothing.
    #[error("the provider did not confirm who you are")]
    Refused,
    /// The provider cannot be asked.
    #[error("the provider of single sign-on cannot be reached, or answers nonsense")]
    ProviderUnavailable,
    /// An address that anybody can claim at the provider.
    #[error("the provider does not vouch for your e-mail address")]
    AddressUnverified,
    /// The operator lets in others.
    #[error("people with an address of this domain do not sign in with this provider")]
    DomainNotAllowed,
    /// Whose account it is, only its owner can say.
    #[error("there is an account with your e-mail address, and it is not linked with this provider")]
    AccountExists,
    /// It signs in to another account.
    #[error("this identity is linked with an account already")]
    IdentityTaken,
    /// Nobody could sign in any more.
    #[error("this is the last way to sign in to the account")]
    LastWayIn,
    /// The operator, or the organization, asks for it.
    #[error("single sign-on is required here")]
    Required,
}

impl From<SsoError> for ServiceError {
    fn from(error: SsoError) -> Self {
        Self::Sso(error)
    }
}

impl SsoError {
    pub(super) fn facts(self) -> Facts {
        use ErrorKind::{Conflict, Forbidden, NotFound, Unauthenticated, Unprocessable, Upstream};
        match self {
            Self::ProviderUnknown => {
                facts("sso_provider_unknown", NotFound, "use one of `GET /api/v1/sso`, which lists them")
            }
            Self::RedirectInvalid => facts(
                "sso_redirect_invalid",
                Unprocessable,
                "use http://127.0.0.1:PORT/sso/PROVIDER, or /sso/PROVIDER under the server's public URL",
            ),
            Self::AttemptInvalid => facts("sso_attempt_invalid", Unprocessable, "begin again, in the same place"),
            Self::Refused => facts("sso_refused", Unauthenticated, "begin again; the server's log says what was wrong"),
            Self::ProviderUnavailable => facts(
                "sso_provider_unavailable",
                Upstream,
                "try again in a moment; the server's log says what is wrong",
            ),
            Self::AddressUnverified => {
                facts("sso_address_unverified", Forbidden, "verify your address there, then sign in again")
            }
            Self::DomainNotAllowed => {
                facts("sso_domain_not_allowed", Forbidden, "use the account of your organization")
            }
            Self::AccountExists => facts(
                "sso_account_exists",
                Conflict,
                "sign in as before, then link it on the page of your account, or by `pintle account identities link`",
            ),
            Self::IdentityTaken => {
                facts("sso_identity_taken", Conflict, "sign in with it, and unlink it there or delete that account")
            }
            Self::LastWayIn => {
                facts("last_way_in", Conflict, "set a password, link another identity or add a passkey first")
            }
            Self::Required => facts("sso_required", Forbidden, "sign in with it: `pintle login --sso`"),
        }
    }
}
