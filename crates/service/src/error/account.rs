use super::{ErrorKind, Facts, facts};

/// Why somebody was not signed in, or an account not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccountError {
    /// Which of the two is wrong is not told.
    #[error("address or password is wrong")]
    SignInFailed,
    /// Neither a fresh code of the authenticator nor a recovery code.
    #[error("the second factor is wrong, or was used before")]
    FactorWrong,
    /// The operator asks for more than a password.
    #[error("this server asks for a second factor, and this session was begun without")]
    SecondFactorRequired,
    /// The session ended, or never was.
    #[error("the session has ended")]
    SessionUnknown,
    /// Guessing is slowed down.
    #[error("too many failed attempts from this network; try again in {retry_after_secs} seconds")]
    TooManyAttempts {
        /// How long to wait.
        retry_after_secs: u64,
    },
    /// More passwords are being checked than the machine is meant to.
    #[error("the server checks many passwords right now")]
    Busy,
    /// Used, expired or never made.
    #[error("the code is unknown, used or expired")]
    CodeInvalid,
    /// The operator decided so.
    #[error("this server is closed to new accounts")]
    SignUpClosed,
    /// Not an address.
    #[error("that is not an e-mail address")]
    AddressInvalid,
    /// Somebody has it.
    #[error("the address belongs to another account")]
    AddressTaken,
    /// Too easily guessed, or not to be handled.
    #[error("the password is {problem}")]
    PasswordUnfit {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The code makes or changes a password, and none came with it.
    #[error("a new password is needed with this code")]
    PasswordMissing,
    /// What a thief of the session must not do.
    #[error("this needs a sign-in of the last 10 minutes")]
    StepUpNeeded,
    /// What a program must not do.
    #[error("this is for people who signed in, not for API tokens")]
    PersonNeeded,
}

impl AccountError {
    pub(super) fn facts(&self) -> Facts {
        use ErrorKind::{Conflict, Forbidden, TooMany, Unauthenticated, Unprocessable};
        match self {
            Self::SignInFailed => facts("sign_in_failed", Unauthenticated, "try again, or set a new password"),
            Self::FactorWrong => facts("second_factor_wrong", Unauthenticated, "sign in again, with the newest code"),
            Self::SecondFactorRequired => facts(
                "second_factor_required",
                Forbidden,
                "set up an authenticator, then sign in again: `pintle account totp enable`",
            ),
            Self::SessionUnknown => facts("session_invalid", Unauthenticated, "sign in again"),
            Self::TooManyAttempts { .. } => facts(
                "too_many_attempts",
                TooMany,
                "wait, or set a new password by mail; other networks are not affected",
            ),
            Self::Busy => facts("busy", TooMany, "try again in a moment"),
            Self::CodeInvalid => facts("code_invalid", Unprocessable, "ask for a new one; codes work once"),
            Self::SignUpClosed => facts("sign_up_closed", Forbidden, "ask the operator of this server for an account"),
            Self::AddressInvalid => facts("address_invalid", Unprocessable, "write it as ada@example.com"),
            Self::AddressTaken => facts("address_taken", Conflict, "sign in with that account, or use another address"),
            Self::PasswordUnfit { .. } => facts(
                "password_unfit",
                Unprocessable,
                "four or five unrelated words are easy to keep and hard to guess",
            ),
            Self::PasswordMissing => facts("password_missing", Unprocessable, "send the code again, with a password"),
            Self::StepUpNeeded => facts("step_up_needed", Forbidden, "sign in again, then repeat this"),
            Self::PersonNeeded => facts("person_needed", Forbidden, "sign in as the person whose account it is"),
        }
    }

    /// When to try again, in seconds, where time helps.
    pub fn retry_after_secs(&self) -> Option<u64> {
        match self {
            Self::TooManyAttempts { retry_after_secs } => Some(*retry_after_secs),
            Self::Busy => Some(2),
            _ => None,
        }
    }
}
