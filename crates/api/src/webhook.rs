use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::SecretText;

/// What a webhook sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WebhookFormat {
    /// JSON with type, time and data, as Standard Webhooks has it.
    #[default]
    Standard,
    /// What Slack takes, and Mattermost, Rocket.Chat and Discord (with `/slack` at the end of its URL).
    Slack,
}

/// Adds a webhook to an organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "url": "https://hooks.example.com/pintle", "kinds": ["drift_mismatch", "pin_expiring"] })))]
pub struct CreateWebhookRequest {
    /// `https://…`, or `http://…` where the operator allows networks for it; not shown again, since it may carry a secret.
    pub url: SecretText,
    /// What is sent.
    #[serde(default)]
    pub format: WebhookFormat,
    /// Kinds of alerts; all of them if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<String>,
}

/// A place that is told of alerts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookResponse {
    /// `whk_…`
    pub id: String,
    /// Scheme, host and port of its URL.
    pub url: String,
    /// What is sent.
    pub format: WebhookFormat,
    /// Kinds of alerts; all of them if there are none.
    pub kinds: Vec<String>,
    /// How many messages wait for it.
    pub waiting: u64,
    /// Until when messages are signed with the former secret, too: seconds since 1970 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub former_secret_until: Option<u64>,
    /// Since when every attempt failed: seconds since 1970 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub failing_since: Option<u64>,
    /// Since when it is not used any more, because it failed too long; a test that succeeds brings it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub disabled_at: Option<u64>,
    /// `acc_…` of who added it.
    pub created_by: String,
    /// Seconds since 1970 UTC.
    pub created_at: u64,
}

/// A webhook that was added; its secret is shown once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CreatedWebhookResponse {
    /// The webhook.
    pub webhook: WebhookResponse,
    /// `whsec_…`: what messages are signed with.
    pub secret: SecretText,
}

/// Another secret of a webhook, shown once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RotatedSecretResponse {
    /// `whsec_…`: what messages are signed with from now on.
    pub secret: SecretText,
    /// Until when they are signed with the former one, too: seconds since 1970 UTC.
    pub former_secret_until: u64,
}

/// What became of a test message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookTestResponse {
    /// Whether it was taken.
    pub delivered: bool,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub error: Option<String>,
}

/// A message to a webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookMessageResponse {
    /// `msg_…`: `webhook-id` of every attempt.
    pub id: String,
    /// Kind of the alert.
    pub kind: String,
    /// How often it was tried.
    pub attempts: u64,
    /// When it is tried next: seconds since 1970 UTC. Absent: it was taken, or given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_attempt_at: Option<u64>,
    /// When it was taken: seconds since 1970 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub delivered_at: Option<u64>,
    /// Why the last attempt failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub error: Option<String>,
    /// Seconds since 1970 UTC.
    pub created_at: u64,
}
