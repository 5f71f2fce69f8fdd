use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::SecretText;

/// The providers of single sign-on that the server trusts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SsoProvidersResponse {
    /// Their names, in order.
    pub providers: Vec<String>,
    /// Whether there is no other way to sign in.
    pub is_required: bool,
}

/// Begins to sign in, or to link an identity, at a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "provider": "google", "redirect_uri": "http://127.0.0.1:4711/sso/google" })))]
pub struct BeginSsoRequest {
    /// Its name.
    pub provider: String,
    /// Where the provider sends the browser back to: `http://127.0.0.1:PORT/sso/PROVIDER`, `http://[::1]:PORT/sso/PROVIDER`,
    /// or `/sso/PROVIDER` under the server's public URL.
    pub redirect_uri: String,
}

/// What is to be done at the provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SsoStep {
    /// To be opened in a browser.
    pub authorization_url: String,
    /// The `state` that the provider sends back: an answer with another one belongs to somebody else's attempt.
    pub state: String,
    /// Proves who began; to be kept where the answer arrives, and nowhere else. Good once, for 10 minutes.
    pub pending: SecretText,
}

/// Brings the provider's answer back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "provider": "google", "pending": "pending", "state": "state", "code": "code" })))]
pub struct FinishSsoRequest {
    /// The provider at whose redirect URI the answer arrived.
    pub provider: String,
    /// From the beginning.
    pub pending: SecretText,
    /// As it arrived.
    pub state: String,
    /// As it arrived.
    pub code: SecretText,
    /// As it arrived, if it did (RFC 9207).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iss: Option<String>,
}

/// Whom a provider vouches for as the owner of the caller's account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IdentityResponse {
    /// `idn_…`
    pub id: String,
    /// Name of the provider when it was linked.
    pub provider: String,
    /// The provider itself.
    pub issuer: String,
    /// The address that the provider gave, if it gave one.
    pub email: Option<String>,
    /// Seconds since 1970 UTC.
    pub created_at: u64,
}

/// The identities that sign in to the caller's account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IdentitiesResponse {
    /// Oldest first.
    pub identities: Vec<IdentityResponse>,
}
