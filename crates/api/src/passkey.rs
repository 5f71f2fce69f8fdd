use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::SecretText;

/// What an authenticator is asked through a browser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PasskeyStep {
    /// For `PublicKeyCredential.parseCreationOptionsFromJSON` where a passkey is added, `parseRequestOptionsFromJSON` where one
    /// signs in (WebAuthn level 3).
    #[schema(value_type = Object)]
    pub options: Value,
    /// Proves who began; to be kept where the answer arrives, and nowhere else. Good once, for 5 minutes.
    pub pending: SecretText,
}

/// Brings the passkey that an authenticator made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "name": "phone", "pending": "pending", "credential": {} })))]
pub struct AddPasskeyRequest {
    /// Name for its owner.
    pub name: String,
    /// From the beginning.
    pub pending: SecretText,
    /// What `toJSON()` of the browser's `PublicKeyCredential` says.
    #[schema(value_type = Object)]
    pub credential: Value,
}

/// Brings what an authenticator signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "pending": "pending", "credential": {} })))]
pub struct PasskeySignInRequest {
    /// From the beginning.
    pub pending: SecretText,
    /// What `toJSON()` of the browser's `PublicKeyCredential` says.
    #[schema(value_type = Object)]
    pub credential: Value,
}

/// Gives a passkey another name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "name": "phone" })))]
pub struct RenamePasskeyRequest {
    /// Name for its owner.
    pub name: String,
}

/// A passkey of the caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PasskeyResponse {
    /// `psk_…`
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// Whether other devices, or a service that keeps it, have it, too.
    pub is_backed_up: bool,
    /// Seconds since 1970 UTC.
    pub created_at: u64,
    /// When it signed in last; seconds since 1970 UTC.
    pub last_used_at: Option<u64>,
}

/// The passkeys that sign in to the caller's account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PasskeysResponse {
    /// Oldest first.
    pub passkeys: Vec<PasskeyResponse>,
}
