use cryptoki::error::{Error, RvError};
use std::path::PathBuf;

/// Why a token did not do what it was asked. Nothing is ever tried twice: a token counts wrong PINs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// Nobody said which module leads to the token.
    #[error("which PKCS#11 module leads to the token is not known")]
    ModuleUnknown,
    /// The module cannot be loaded, or is none.
    #[error("the PKCS#11 module {} cannot be used: {reason}", path.display())]
    ModuleUnusable {
        /// The shared library.
        path: PathBuf,
        /// What the loader or the module says.
        reason: String,
    },
    /// No token fits.
    #[error("no token fits; there {}", list("is", "are", found))]
    Absent {
        /// The labels of those that are there.
        found: Vec<String>,
    },
    /// More than one token fits.
    #[error("more than one token fits: {}", found.join(", "))]
    SeveralTokens {
        /// Their labels and serial numbers.
        found: Vec<String>,
    },
    /// The token asks for a PIN.
    #[error("the token asks for its PIN")]
    PinNeeded,
    /// Not the PIN.
    #[error("the token does not accept the PIN{}", if *is_last_try { "; one more wrong PIN locks it" } else { "" })]
    PinWrong {
        /// The next wrong PIN locks the token.
        is_last_try: bool,
    },
    /// After too many wrong PINs.
    #[error("the token is locked: too many wrong PINs were tried")]
    PinLocked,
    /// No user PIN was ever set, or it has to be changed first.
    #[error("the token has no user PIN yet, or wants another one before it is used")]
    PinUnset,
    /// No key fits.
    #[error("the token has no such private key; it has {}", list("one called", "", found))]
    KeyMissing {
        /// Those that it has, as `object=…;id=…`.
        found: Vec<String>,
    },
    /// More than one key fits.
    #[error("more than one key fits: {}", found.join(", "))]
    SeveralKeys {
        /// As `object=…;id=…`.
        found: Vec<String>,
    },
    /// The public half is not there, so that nobody can tell whose signature it would be.
    #[error("the token has the private key but not its public half")]
    PublicHalfMissing,
    /// Not ECDSA on P-256.
    #[error("the key is not an ECDSA P-256 (prime256v1) key")]
    NotP256,
    /// A key of that name is there already.
    #[error("the token has a key of that name already")]
    KeyExists,
    /// The URI does not say what to call a new key.
    #[error("a new key needs a name")]
    NameNeeded,
    /// It was pulled out, lost its power or its network.
    #[error("the token is gone: {reason}")]
    Gone {
        /// PKCS#11's name of the error.
        reason: String,
    },
    /// It can only be read, or the PIN may not do this.
    #[error("the token does not allow it: {reason}")]
    NotAllowed {
        /// PKCS#11's name of the error.
        reason: String,
    },
    /// Anything else the module says.
    #[error("the token failed: {reason}")]
    Failed {
        /// PKCS#11's name of the function and of the error.
        reason: String,
    },
}

/// `none`, or what there is, after a verb.
fn list(one: &str, several: &str, found: &[String]) -> String {
    let verb = if found.len() > 1 { several } else { one };
    match (found, verb) {
        ([], "is") => "is none".to_owned(),
        ([], _) => "none".to_owned(),
        (_, "") => found.join(", "),
        (_, verb) => format!("{verb} {}", found.join(", ")),
    }
}

impl From<Error> for TokenError {
    fn from(error: Error) -> Self {
        let Error::Pkcs11(value, _) = &error else { return Self::Failed { reason: error.to_string() } };
        let reason = format!("{value:?}");
        match value {
            RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange => Self::PinWrong { is_last_try: false },
            RvError::PinLocked => Self::PinLocked,
            RvError::PinExpired | RvError::UserPinNotInitialized => Self::PinUnset,
            RvError::UserNotLoggedIn => Self::PinNeeded,
            RvError::DeviceRemoved
            | RvError::DeviceError
            | RvError::TokenNotPresent
            | RvError::TokenNotRecognized
            | RvError::SlotIdInvalid
            | RvError::SessionClosed
            | RvError::SessionHandleInvalid
            | RvError::CryptokiNotInitialized => Self::Gone { reason },
            RvError::TokenWriteProtected
            | RvError::SessionReadOnly
            | RvError::ActionProhibited
            | RvError::KeyFunctionNotPermitted
            | RvError::FunctionRejected => Self::NotAllowed { reason },
            RvError::CurveNotSupported | RvError::MechanismInvalid => Self::NotP256,
            _ => Self::Failed { reason: error.to_string() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cryptoki::context::Function;

    #[test]
    fn what_a_token_answers_keeps_its_meaning() {
        // SoftHSM neither locks nor is pulled out: what those answer is told apart here.
        let read = |value| TokenError::from(Error::Pkcs11(value, Function::Login));
        assert_eq!(read(RvError::PinLocked), TokenError::PinLocked);
        assert_eq!(read(RvError::UserPinNotInitialized), TokenError::PinUnset);
        assert!(matches!(read(RvError::DeviceRemoved), TokenError::Gone { .. }));
        assert!(matches!(read(RvError::TokenWriteProtected), TokenError::NotAllowed { .. }));
        assert!(matches!(read(RvError::HostMemory), TokenError::Failed { .. }));
        assert_eq!(TokenError::Absent { found: vec![] }.to_string(), "no token fits; there is none");
        let two = vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(TokenError::Absent { found: two }.to_string(), "no token fits; there are a, b");
    }
}
