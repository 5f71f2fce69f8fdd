use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::PinType;

/// How long installations may be offline, unless it is declared: days.
const DEFAULT_AWAY_DAYS: u16 = 7;

/// Begins the change of the key of a domain's servers, in the place of one that is under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "next": "pin_01kb0000000000000000000000", "retiring": [], "away_days": 30 })))]
pub struct StartRotationRequest {
    /// `pin_…` in the draft: the SPKI pin of the key that servers go on to.
    pub next: String,
    /// `pin_…` in the draft: those of the keys that servers leave.
    #[serde(default)]
    #[schema(max_items = 64)]
    pub retiring: Vec<String>,
    /// How long an installation may be offline and still know the next key when servers change: 0 to 365 days, 7 unless
    /// given. Those that were away for longer fetch the release when they meet the key.
    #[serde(default = "default_away_days")]
    #[schema(maximum = 365)]
    pub away_days: u16,
}

fn default_away_days() -> u16 {
    DEFAULT_AWAY_DAYS
}

/// The change of the key of a domain's servers, as far as the server knows of it. What the domain's own servers present, only
/// a look at them tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RotationResponse {
    /// Of the key that servers go on to.
    pub next: RotationPin,
    /// Of the keys that servers leave.
    pub retiring: Vec<RotationPin>,
    /// Seconds since 1970 UTC.
    pub started_at: u64,
    /// How long an installation may be offline.
    pub away_days: u16,
    /// Since when every target serves releases with the next pin, without a break; absent: the live release lacks it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub live_since: Option<u64>,
    /// From this second (since 1970 UTC) on servers may change: whatever was online within `away_days` knows the next key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub safe_from: Option<u64>,
    /// How long a release needs to reach who is online, and `away_days`: seconds.
    pub window_secs: u64,
}

/// One pin of a rotation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RotationPin {
    /// What the digest is taken of.
    #[serde(rename = "type")]
    pub pin_type: PinType,
    /// Standard base64 with padding.
    pub digest: String,
    /// Whether the draft has it for the domain.
    pub is_drafted: bool,
    /// Whether the release has it that every target serves.
    pub is_live: bool,
}
