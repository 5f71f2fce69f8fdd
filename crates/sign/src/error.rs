use crate::KeyFileError;

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The key could not be used.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// What was signed would not be accepted by an app with this root: it is not handed out.
    #[error("the signed configuration is not acceptable: {0}")]
    NotAcceptable(#[from] pintle_core::ConfigError),
}

/// Why a key could not be opened, or did not sign.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignerError {
    /// A PKCS#8 key.
    #[error(transparent)]
    File(#[from] KeyFileError),
    /// A key in a token.
    #[cfg(feature = "pkcs11")]
    #[error(transparent)]
    Token(#[from] crate::TokenError),
    /// A key in a key management service.
    #[cfg(feature = "kms")]
    #[error(transparent)]
    Kms(#[from] crate::KmsError),
    /// The answer is no signature of the key.
    #[error("what came back is no signature of this key")]
    WrongSignature,
    /// Built without the feature that opens such keys.
    #[error("this build of pintle cannot use keys in {0}")]
    Unsupported(&'static str),
}
