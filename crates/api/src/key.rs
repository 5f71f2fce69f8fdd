use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Has the server keep the project's signing key as ciphertext. Only an encrypted key is accepted: PBES2 with AES-256-CBC and
/// PBKDF2 (HMAC-SHA-256 or better, 600,000 to 20,000,000 rounds: what browsers can open) or scrypt (N=16384, r=8, p=5 or
/// dearer, in at most 256 MiB).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({
    "pem": "-----BEGIN ENCRYPTED PRIVATE KEY-----\n…\n-----END ENCRYPTED PRIVATE KEY-----\n",
    "opened_by": { "kind": "password" }, "proof": "…"
})))]
pub struct StoreKeyRequest {
    /// `EncryptedPrivateKeyInfo` (PKCS#8) in one PEM block, at most 2048 bytes.
    #[schema(max_length = 2048)]
    pub pem: String,
    /// Where its password comes from.
    pub opened_by: KeyOpener,
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
    /// Where its password comes from.
    pub opened_by: KeyOpener,
    /// Seconds since 1970 UTC.
    pub stored_at: u64,
}

/// Where the password of an encrypted key comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum KeyOpener {
    /// People remember it.
    Password {},
    /// A passkey makes it, by the WebAuthn extension `prf`: base64url without padding of HKDF-SHA-256 over the first result,
    /// without salt, with the info `pintle key password`, 32 bytes.
    Passkey {
        /// Credential id of the passkey, in base64url without padding; at most 1023 bytes.
        credential_id: String,
        /// The first input of `prf`: 32 random bytes in base64url without padding.
        prf_salt: String,
    },
}
