use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Creates an organization owned by the caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "name": "Acme" })))]
pub struct CreateOrganizationRequest {
    /// Display name: 1 to 100 characters, no control characters.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
}

/// Changes what an organization is called, or how its members come. What is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Acme"}))]
pub struct UpdateOrganizationRequest {
    /// Display name: 1 to 100 characters, no control characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether members must have come by single sign-on; whoever demands it has. Of API tokens those count that are for this
    /// organization alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requires_sso: Option<bool>,
}

/// An organization as one of its members sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrganizationResponse {
    /// `org_…`; the `iss` of every configuration of its projects.
    pub id: String,
    /// Display name.
    pub name: String,
    /// The caller's role in it.
    pub role: Role,
    /// Whether members must have come by single sign-on.
    #[serde(default)]
    pub requires_sso: bool,
    /// Seconds since 1970 UTC.
    pub created_at: u64,
}

/// What a member may do in an organization; each role's permissions are one table in the service layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything, ownership included.
    Owner,
    /// Everything but ownership.
    Admin,
    /// Edits drafts and releases.
    Publisher,
    /// Edits drafts.
    Editor,
    /// Reads.
    Auditor,
}
