use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Submits a succession statement: the project's next signing key, vouched for by its current one or its recovery key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "jws": "eyJhbGciOiJFUzI1NiJ9.e30.c2ln" })))]
pub struct AcceptStatementRequest {
    /// Compact JWS (P-5.1); its `seq` is one more than that of the last statement, 1 for the first.
    pub jws: String,
}

/// An accepted succession statement. Immutable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StatementResponse {
    /// Its place in the succession: 1, 2, …
    pub seq: u64,
    /// The key it names, DER SubjectPublicKeyInfo in base64.
    pub public_key: String,
    /// RFC 7638 thumbprint of that key.
    pub kid: String,
    /// Who vouches for the key.
    pub signed_by: StatementSigner,
    /// RFC 7638 thumbprint of the key that signed it.
    pub signer_kid: String,
    /// The statement, byte for byte.
    pub jws: String,
    /// When it was accepted: seconds since 1970 UTC.
    pub accepted_at: u64,
}

/// Which of the two keys that may sign a statement did (P-5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StatementSigner {
    /// The key in use until then: a planned rotation.
    Predecessor,
    /// The recovery key: everything signed before is void for every app that sees it (P-5.5).
    Recovery,
}
