use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Has the server keep the project's signing key as ciphertext. Only an encrypted key is accepted: PBES2 with AES-256 and
/// scrypt (N=16384, r=8, p=5 or more) or PBKDF2 (HMAC-SHA-256 or better, 600,000 rounds or more).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "pem": "-----BEGIN ENCRYPTED PRIVATE KEY-----\n…\n-----END ENCRYPTED PRIVATE KEY-----\n", "proof": "…" })))]
pub struct StoreKeyRequest {
    /// `EncryptedPrivateKeyInfo` (PKCS#8) in one PEM block, at most 2048 bytes.
    #[schema(max_length = 2048)]
    pub pem: String,
    /// The project's current key over the lines `pintle encrypted key`, organization id, project id, SHA-256 of the DER in
    /// base64, each with a line feed: ES256 as `r ‖ s`, in base64.
    pub proof: String,
}

/// The project's signing key as ciphertext.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeyCiphertextResponse {
    /// RFC 7638 thumbprint of the key.
    pub kid: String,
    /// Encrypted PKCS#8 in PEM.
    pub pem: String,
    /// Seconds since 1970 UTC.
    pub stored_at: u64,
}
