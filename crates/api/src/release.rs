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
    /// What the release shall say; what the draft says unless given.
    #[serde(default)]
    pub content: ReleaseContent,
    /// Only answer as if: nothing is kept, no number is given away, and what is signed cannot be submitted.
    #[serde(default, skip_serializing_if = "is_false")]
    pub rehearsal: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}

/// What a release shall say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReleaseContent {
    /// What the draft says.
    #[default]
    Draft,
    /// What the release of this number said, under a new number and new dates. The draft stays as it is.
    Release(u64),
    /// That nothing is to be trusted: apps refuse every connection until a higher release says otherwise (P-7.5).
    Withdrawal,
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
    /// Not published before this second (since 1970 UTC), which lies in the future; at once unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publish_at: Option<u64>,
}

/// Agrees to a release that another member submitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"claims_sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"})))]
pub struct ApproveReleaseRequest {
    /// SHA-256 of the claims that were looked at, lower-case hexadecimal: what is approved is what was seen.
    pub claims_sha256: String,
}

/// An accepted release. Immutable but for its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReleaseResponse {
    /// `rel_…`
    pub id: String,
    /// Release number.
    pub version: u64,
    /// What it says.
    #[serde(default)]
    pub kind: ReleaseKind,
    /// How far its publication is.
    pub state: ReleaseState,
    /// SHA-256 of the claims, lower-case hexadecimal.
    pub claims_sha256: String,
    /// `acc_…` of who submitted it.
    #[serde(default)]
    pub accepted_by: String,
    /// When it was accepted: seconds since 1970 UTC.
    pub accepted_at: u64,
    /// Not published before this second (since 1970 UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub publish_at: Option<u64>,
    /// `acc_…` of the second person, who agreed to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub approved_by: Option<String>,
    /// When that was: seconds since 1970 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub approved_at: Option<u64>,
    /// Since when every publish target serves it: seconds since 1970 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub live_at: Option<u64>,
    /// How far it is at each publish target, by name; empty until it is on its way.
    #[serde(default)]
    pub targets: Vec<ReleaseTargetResponse>,
}

/// How far a release is at one publish target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReleaseTargetResponse {
    /// The target's name.
    pub target: String,
    /// How far it is.
    pub state: TargetState,
    /// Why the last attempt failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub error: Option<String>,
    /// When the target was written to or read last: seconds since 1970 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub tried_at: Option<u64>,
    /// Since when the target serves it, read back: seconds since 1970 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub live_at: Option<u64>,
}

/// How far a release is at a publish target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TargetState {
    /// Not tried yet.
    Waiting,
    /// The last attempt failed; it will be tried again.
    Failed,
    /// The target shows it, read back.
    Live,
    /// The target shows a newer one.
    Superseded,
}

/// What a release says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReleaseKind {
    /// What to pin.
    #[default]
    Configuration,
    /// That nothing is to be trusted.
    Withdrawal,
}

/// How far the publication of a release is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReleaseState {
    /// Verified and stored; waits until another member agrees.
    AwaitingApproval,
    /// Verified and stored; waits for its time.
    Scheduled,
    /// Verified and stored; publication is queued.
    Accepted,
    /// A job is writing it to the targets.
    Publishing,
    /// Every target serves it.
    Live,
    /// A later release took its place.
    Superseded,
    /// Taken back while it waited.
    Cancelled,
    /// A later release, or another key, made it void while it waited.
    Voided,
}
