use pintle_core::KeyId;
use pintle_sign::EncryptedKeyError;

use crate::error::{ErrorKind, Facts, facts};

/// Why an encrypted key is not kept, or custody not noted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CustodyError {
    /// It is not an encrypted key, or not encrypted well enough.
    #[error("{0}; nothing was stored")]
    Key(#[from] EncryptedKeyError),
    /// Nobody showed that it is the project's key.
    #[error("`proof` is no signature of the project's key {expected} over this ciphertext; nothing was stored")]
    Proof {
        /// `kid` of the project's key.
        expected: KeyId,
    },
    /// What follows from something else cannot be noted.
    #[error("custody can only be noted as `external` or `kms`, and only while the server keeps no encrypted key")]
    NotNoted,
}

impl CustodyError {
    pub(super) fn facts(&self) -> Facts {
        use ErrorKind::Unprocessable;
        match self {
            Self::Key(EncryptedKeyError::Plain) => facts(
                "key_not_encrypted",
                Unprocessable,
                "encrypt it before it leaves your machine, and use another key: this one was sent where others may read it",
            ),
            Self::Key(EncryptedKeyError::Scheme | EncryptedKeyError::Cheap) => facts(
                "key_encryption_weak",
                Unprocessable,
                "encrypt it again, as `pintle keys change-password` does, and send that",
            ),
            Self::Key(_) => facts("key_ciphertext_invalid", Unprocessable, "send one block of ENCRYPTED PRIVATE KEY"),
            Self::Proof { .. } => {
                facts("key_proof_invalid", Unprocessable, "sign the proof with the project's current key")
            }
            Self::NotNoted => {
                facts("custody_not_noted", Unprocessable, "store or delete the encrypted key; custody follows")
            }
        }
    }
}
