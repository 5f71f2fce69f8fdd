use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{ApiToken, Scope};

/// Creates an API token of the caller's account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "deploy", "scopes": ["read", "release"], "lifetime": {"secs": 2592000}}))]
pub struct CreateTokenRequest {
    /// What it is for: 1 to 100 characters, no control characters.
    pub name: String,
    /// What it may do, at most: one scope or more, each of them the caller's own.
    pub scopes: Vec<Scope>,
    /// Limits it to this organization: `org_…`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<String>,
    /// Limits it to this project of the organization: `prj_…`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<String>,
    /// How long it lasts.
    #[serde(default)]
    pub lifetime: TokenLifetime,
}

/// How long a token lasts: `"default"` (90 days, and no longer than the token it is made with), `"never"` (it does not
/// end) or `{"secs": N}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenLifetime {
    /// 90 days, and no longer than the token it is made with.
    #[default]
    Default,
    /// It does not end by itself.
    Never,
    /// This many seconds: 60 to 315360000 (ten years).
    Secs(u64),
}

/// Changes what a token is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "deploy"}))]
pub struct UpdateTokenRequest {
    /// What it is for: 1 to 100 characters, no control characters.
    pub name: String,
}

/// An API token; the secret itself is not kept by the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenResponse {
    /// `tok_…`
    pub id: String,
    /// What it is for.
    pub name: String,
    /// First characters of the token.
    pub prefix: String,
    /// What it may do, at most; the account's role in an organization may narrow it further.
    pub scopes: Vec<Scope>,
    /// `acc_…` of whose it is.
    pub account_id: String,
    /// Name of that account, where it may be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub account_name: Option<String>,
    /// It reaches this organization alone: `org_…`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub organization_id: Option<String>,
    /// It reaches this project of the organization alone: `prj_…`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub project_id: Option<String>,
    /// Seconds since 1970 UTC.
    pub created_at: u64,
    /// It is refused from then on: seconds since 1970 UTC. Absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub expires_at: Option<u64>,
    /// Seconds since 1970 UTC, to the minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub last_used_at: Option<u64>,
}

/// A new token, with its secret: it is shown this once.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CreatedTokenResponse {
    /// What the server keeps of it.
    pub token: TokenResponse,
    /// To be sent as `Authorization: Bearer pintle_…`.
    #[schema(value_type = String, format = Password)]
    pub secret: ApiToken,
}
