use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Change, Warning};

/// Freezes the draft under a release number and a date, ready to be signed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "unchanged": "refuse" })))]
pub struct PrepareReleaseRequest {
    /// What to do when nothing differs from the last accepted release; `refuse` unless given.
    #[serde(default)]
    pub unchanged: Unchanged,
}

/// What prepare does with a draft that equals the last accepted release.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unchanged {
    /// Answers `draft_unchanged`.
    #[default]
    Refuse,
    /// Prepares a release anyway, which renews its dates.
    Release,
}

/// The bytes to sign, and what they mean.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PreparedReleaseResponse {
    /// The release number fixed for these bytes (`ver`).
    pub version: u64,
    /// The exact JWS payload to sign, in standard base64 with padding.
    pub claims: String,
    /// `iat`: seconds since 1970 UTC.
    pub issued_at: u64,
    /// `exp`: seconds since 1970 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub expires_at: Option<u64>,
    /// RFC 7638 thumbprint of the key that must sign.
    pub kid: String,
    /// The succession chain that leads apps to that key: what the header carries as `succ`, in order (P-5.2). Empty: no
    /// `succ`.
    #[serde(default)]
    pub succession: Vec<String>,
    /// What differs from the last accepted release.
    pub changes: Vec<Change>,
    /// What deserves a second look before signing.
    pub warnings: Vec<Warning>,
}

/// Submits a signed release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "jws": "eyJhbGciOiJFUzI1NiJ9.e30.c2ln" })))]
pub struct AcceptReleaseRequest {
    /// Compact JWS whose payload is, byte for byte, what prepare returned (P-2.1).
    pub jws: String,
}

/// An accepted release. Immutable but for its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReleaseResponse {
    /// `rel_…`
    pub id: String,
    /// Release number.
    pub version: u64,
    /// How far its publication is.
    pub state: ReleaseState,
    /// SHA-256 of the claims, lower-case hexadecimal.
    pub claims_sha256: String,
    /// When it was accepted: seconds since 1970 UTC.
    pub accepted_at: u64,
    /// Since when every publish target serves it: seconds since 1970 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub live_at: Option<u64>,
}

/// How far the publication of a release is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReleaseState {
    /// Verified and stored; publication is queued.
    Accepted,
    /// A job is writing it to the targets.
    Publishing,
    /// Every target serves it.
    Live,
    /// A later release took its place.
    Superseded,
}
