//! What a signed configuration says, and whether it is authentic.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A signed configuration to look into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"config": "eyJhbGciOiJFUzI1NiJ9.e30.AAAA"})))]
pub struct DecodeRequest {
    /// The file `pins.jws` as it is published: a compact JWS.
    pub config: String,
    /// The bundle `pintle.json` whose signature counts, as the text of the file; without it nothing is verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle: Option<String>,
}

/// What it says. Unless `verified`, anybody may have written it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DecodeResponse {
    /// Whether an app with the bundle, installed now, would take it up.
    pub verified: bool,
    /// Why it would not; absent where nothing was verified, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<ConfigRefusal>,
    /// Whether its `exp` has passed; with `on_stale: keep` devices go on using it.
    pub past_expiry: bool,
    /// The protected header as it stands there.
    #[schema(value_type = Object)]
    pub header: Value,
    /// The claims as they stand there.
    #[schema(value_type = Object)]
    pub claims: Value,
}

/// Why apps refuse a configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConfigRefusal {
    /// A code of the protocol, as `signature_invalid`.
    pub code: String,
    /// What happened, in words.
    pub detail: String,
}
