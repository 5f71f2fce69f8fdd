use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Who a request is from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WhoamiResponse {
    /// `acc_…`
    pub account_id: String,
    /// Name of the account.
    pub account_name: String,
    /// What the request carried.
    pub credential: CredentialResponse,
    /// What it may do, at most; the account's role in an organization may narrow it further.
    pub scopes: Vec<Scope>,
    /// The token reaches this organization alone: `org_…`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub organization_id: Option<String>,
    /// The token reaches this project of the organization alone: `prj_…`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub project_id: Option<String>,
}

/// What a request is known by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CredentialResponse {
    /// Kind of credential.
    pub kind: CredentialKind,
    /// `tok_…` or `ses_…`
    pub id: String,
    /// Name of the token, or what the session was begun with.
    pub name: String,
}

/// Kind of credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CredentialKind {
    /// An API token, for programs.
    Token,
    /// A person who signed in.
    Session,
}

/// What a token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// See what the account sees.
    Read,
    /// Change drafts.
    Edit,
    /// Prepare and submit releases.
    Release,
    /// Create organizations and projects, register keys, manage members and tokens.
    Admin,
}
