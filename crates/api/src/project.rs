use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Creates a project: one per app and environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "name": "Shop", "environment": "production" })))]
pub struct CreateProjectRequest {
    /// Name of the app: 1 to 100 characters, no control characters.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// Environment, as `production`: `[a-z0-9-]{1,32}`. Name and environment together are unique in the organization.
    #[schema(pattern = "^[a-z0-9-]{1,32}$")]
    pub environment: String,
    /// The signing key, when it already exists; it can be registered later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<RegisterKeyRequest>,
}

/// Changes a project; absent members stay as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"name": "shop", "approval": "second_person"})))]
pub struct UpdateProjectRequest {
    /// New name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// New environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// Who must agree to a release. Only an owner of the organization asks for less than before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// Where the signing key is kept: `external` or `kms`. The other two follow from what the server keeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custody: Option<Custody>,
}

/// Creates a project with the domains, pins, CT logs and settings that another one has in its draft. It begins without a
/// release, and with a key of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"environment": "production-2"})))]
pub struct CopyProjectRequest {
    /// Name of the new project; that of the old one unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Environment of the new project: `[a-z0-9-]{1,32}`.
    pub environment: String,
    /// Its signing key, when it already exists; it can be registered later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<RegisterKeyRequest>,
}

/// Who must agree to a release before it is published.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Approval {
    /// Whoever submits it.
    #[default]
    None,
    /// Another member with the permission to approve, besides whoever submits it.
    SecondPerson,
}

/// Registers the public half of a project's signing key. The private half never leaves its owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "public_key": "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==" })))]
pub struct RegisterKeyRequest {
    /// P-256 SubjectPublicKeyInfo, DER in base64 on one line (P-1.2).
    pub public_key: String,
    /// Public half of the offline recovery key, in the same form; differs from `public_key` (P-1.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery_key: Option<String>,
}

/// A project and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProjectResponse {
    /// `prj_…`; the `sub` of its configurations.
    pub id: String,
    /// `org_…` of the organization that owns it.
    pub organization_id: String,
    /// Name of the app.
    pub name: String,
    /// Environment.
    pub environment: String,
    /// The registered signing key, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub key: Option<ProjectKeyResponse>,
    /// Who must agree to a release.
    #[serde(default)]
    pub approval: Approval,
    /// Base URLs under which SDKs find `{organization}/{project}/pins.jws`.
    pub urls: Vec<String>,
    /// Number of the last accepted release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub latest_release: Option<u64>,
    /// Number of the release that every publish target serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub live_release: Option<u64>,
    /// Since when a withdrawal tells apps to trust nothing: seconds since 1970 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub withdrawn_at: Option<u64>,
    /// Seconds since 1970 UTC.
    pub created_at: u64,
}

/// The public side of a project's signing key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProjectKeyResponse {
    /// The key that signs releases now: the registered one, or its last successor.
    pub public_key: String,
    /// The registered one, with which apps were built first; equal to `public_key` until a succession.
    pub original_public_key: String,
    /// As registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub recovery_key: Option<String>,
    /// RFC 7638 thumbprint of `public_key`: the `kid` of every release.
    pub kid: String,
    /// Who holds the private half.
    pub custody: Custody,
}

/// Who holds the private half of a signing key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Custody {
    /// The project's people, outside the server: a file, an HSM, a smart card.
    External,
    /// A cloud's key management service.
    Kms,
    /// Whoever knows its password: the server keeps the ciphertext.
    BrowserPassword,
    /// Whoever has the passkey that opens it: the server keeps the ciphertext.
    BrowserPasskey,
}

/// What an app embeds: `pintle.json` (P-1.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BundleResponse {
    /// Organization id.
    pub organization: String,
    /// Project id.
    pub project: String,
    /// Signing key, DER SubjectPublicKeyInfo in base64.
    pub public_key: String,
    /// Recovery key in the same form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub recovery_key: Option<String>,
    /// Base URLs.
    pub urls: Vec<String>,
    /// Seconds since 1970 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub built_at: Option<u64>,
}
