use super::{ErrorKind, Facts, ServiceError, facts};

/// Why a passkey was not added, or did not sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasskeyError {
    /// Browsers know none for a server without a name.
    #[error("this server has no name that browsers keep passkeys for")]
    Unavailable,
    /// The answer belongs to no attempt of whoever brings it.
    #[error("this attempt is unknown, used, expired, or was begun elsewhere")]
    AttemptInvalid,
    /// What is wrong is not told.
    #[error("the passkey is unknown here, or its answer does not hold")]
    Refused,
    /// An authenticator has one passkey for an account.
    #[error("this passkey was added already")]
    Taken,
    /// More than anybody has.
    #[error("an account has at most {} passkeys", Self::MAX)]
    TooMany,
}

impl From<PasskeyError> for ServiceError {
    fn from(error: PasskeyError) -> Self {
        Self::Passkey(error)
    }
}

impl PasskeyError {
    /// Passkeys of an account.
    pub(crate) const MAX: usize = 20;

    pub(super) fn facts(self) -> Facts {
        use ErrorKind::{Conflict, Unauthenticated, Unprocessable};
        match self {
            Self::Unavailable => facts(
                "passkeys_unavailable",
                Conflict,
                "the operator sets `public_url` to a URL with a name, as https://pins.example.com or http://localhost:8080",
            ),
            Self::AttemptInvalid => facts("passkey_attempt_invalid", Unprocessable, "begin again, in the same place"),
            Self::Refused => facts("passkey_refused", Unauthenticated, "begin again, or sign in another way"),
            Self::Taken => facts("passkey_taken", Conflict, "use another authenticator"),
            Self::TooMany => facts("passkeys_full", Conflict, "remove one that is no longer needed"),
        }
    }
}
