use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

/// A password or code on its way to the server. Its debug output shows nothing.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, format = Password)]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// The text itself, for the one place that checks or sends it.
    pub fn expose_secret(&self) -> &str {
        &self.0
    }
}

impl From<Zeroizing<String>> for SecretText {
    fn from(text: Zeroizing<String>) -> Self {
        Self(text)
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(..)")
    }
}

/// Names an e-mail address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "email": "ada@example.com" })))]
pub struct AddressRequest {
    /// As in `ada@example.com`.
    pub email: String,
}

/// The request was taken. Whether there is an account with that address is told by mail alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MailedResponse {
    /// How the code is delivered.
    pub delivery: Delivery,
}

/// How a server delivers codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// By e-mail.
    Mail,
    /// It sends no mail: its operator makes codes with `pintle admin link`.
    Operator,
}

/// Brings back the code of a mail, or of the operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "code": "pintle_once_000000000000000000000000000000000000000000000000000000000000000000000000", "password": "four or five words" })))]
pub struct ConfirmRequest {
    /// `pintle_once_…`; works once.
    pub code: SecretText,
    /// Name for people, where the code makes an account; the address if it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The new password, where the code asks for one: at least 12 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretText>,
}

/// What a code led to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConfirmResponse {
    /// What happened.
    pub confirmed: Confirmed,
    /// The address that is shown to receive mail now.
    pub email: String,
}

/// What a code led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Confirmed {
    /// There is a new account, with this address and password.
    SignedUp,
    /// The account has a new password; its sessions have ended.
    PasswordSet,
    /// The account has a new address.
    AddressChanged,
}

/// The caller's own account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountResponse {
    /// `acc_…`
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Its address, if it has one.
    pub email: Option<String>,
    /// When its password was set; `null`: it has none.
    pub password_changed_at: Option<u64>,
    /// Whether an authenticator is asked for at sign-in.
    pub has_totp: bool,
    /// How many recovery codes are left.
    pub recovery_codes_left: u64,
    /// How many passkeys sign in to it.
    pub passkeys: u64,
    /// Seconds since 1970 UTC.
    pub created_at: u64,
}

/// What an authenticator is set up with; it counts once a code of it came back. Shown once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TotpResponse {
    /// Base32, for typing in.
    pub secret: SecretText,
    /// `otpauth://totp/…`, for a QR code.
    pub url: SecretText,
}

/// A code of an authenticator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "code": "123456" })))]
pub struct TotpCodeRequest {
    /// Six digits.
    pub code: SecretText,
}

/// Codes that stand in for the authenticator, each once. Shown once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecoveryCodesResponse {
    /// `xxxx-xxxx-xxxx-xxxx`
    pub recovery_codes: Vec<SecretText>,
}

/// Sets the caller's password; every other session of theirs ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "new_password": "four or five words" })))]
pub struct SetPasswordRequest {
    /// At least 12 characters.
    pub new_password: SecretText,
}
