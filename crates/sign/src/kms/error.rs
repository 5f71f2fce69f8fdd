/// Why a key management service did not sign.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KmsError {
    /// Nothing to identify with was found.
    #[error("no credentials for the KMS were found")]
    NoCredentials,
    /// The credentials are not accepted, or may not use the key.
    #[error("the KMS refuses: {reason}")]
    Denied {
        /// What the service says.
        reason: String,
    },
    /// The request is too old or from the future for the service.
    #[error("the KMS takes the request for one of another time: {reason}")]
    ClockOff {
        /// What the service says.
        reason: String,
    },
    /// Too many requests, whoever made them.
    #[error("the KMS is throttling: {attempts} attempts were refused")]
    Throttled {
        /// How often it was asked.
        attempts: u32,
    },
    /// No such key, or none that the credentials may see.
    #[error("the KMS has no such key: {reason}")]
    KeyMissing {
        /// What the service says.
        reason: String,
    },
    /// Disabled, scheduled for deletion, not generated yet.
    #[error("the key cannot be used now: {reason}")]
    KeyUnusable {
        /// What the service says.
        reason: String,
    },
    /// Not a key for ECDSA signatures on P-256 with SHA-256.
    #[error("the key is not an ECDSA P-256 (prime256v1) key for signatures")]
    NotP256,
    /// No connection, or no answer.
    #[error("the KMS cannot be reached: {reason}")]
    Unreachable {
        /// What the network says.
        reason: String,
    },
    /// An answer that says nothing known.
    #[error("the KMS answers with status {status}: {reason}")]
    Unexpected {
        /// HTTP status.
        status: u16,
        /// What the service says.
        reason: String,
    },
}

impl KmsError {
    /// From an answer that is an error: its HTTP status, the service's name for it and what it says.
    pub(super) fn from_answer(status: u16, name: &str, message: &str) -> Self {
        let reason = [name, message].iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(": ");
        let is_time = ["expired", "not yet current"].iter().any(|word| message.contains(word));
        match name {
            "RequestExpired" => Self::ClockOff { reason },
            "InvalidSignatureException" | "SignatureDoesNotMatch" if is_time => Self::ClockOff { reason },
            "NotFoundException" | "NOT_FOUND" | "KeyNotFound" => Self::KeyMissing { reason },
            "DisabledException"
            | "KMSInvalidStateException"
            | "KeyUnavailableException"
            | "FAILED_PRECONDITION"
            | "KeyDisabled" => Self::KeyUnusable { reason },
            "InvalidKeyUsageException" | "UnsupportedOperationException" => Self::NotP256,
            "AccessDeniedException"
            | "UnrecognizedClientException"
            | "InvalidClientTokenId"
            | "InvalidSignatureException"
            | "SignatureDoesNotMatch"
            | "IncompleteSignature"
            | "MissingAuthenticationToken"
            | "ExpiredTokenException" => Self::Denied { reason },
            _ if status == 404 => Self::KeyMissing { reason },
            _ if [401, 403].contains(&status) => Self::Denied { reason },
            _ => Self::Unexpected { status, reason },
        }
    }
}
