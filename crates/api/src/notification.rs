use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{AlertSeverity, SecretText};

/// Whether and when a member gets mail about alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MailChoice {
    /// As soon as something is to be told.
    Immediate,
    /// Once a day.
    Digest,
    /// Never.
    Off,
}

/// What the caller is told of in an organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NotificationsResponse {
    /// Whether and when by mail.
    pub mail: MailChoice,
    /// Whether mail gets there: the account has an address, and the server sends mail.
    pub mail_arrives: bool,
    /// Every kind of alert that the caller's role may see.
    pub kinds: Vec<NotificationKind>,
    /// Since when there is a calendar: seconds since 1970 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub calendar_created_at: Option<u64>,
}

/// A kind of alert, and whether the caller is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NotificationKind {
    /// As in `pin_expiring`.
    pub kind: String,
    /// How urgent it usually is.
    pub severity: AlertSeverity,
    /// A headline.
    pub title: String,
    /// When it is raised, in a sentence.
    pub meaning: String,
    /// Whether the caller is told.
    pub wanted: bool,
    /// Whether the caller's role is told unless a member chooses otherwise.
    pub suggested: bool,
}

/// Changes what the caller is told of. What is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "mail": "digest", "kinds": { "release_live": true } })))]
pub struct UpdateNotificationsRequest {
    /// Whether and when by mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<MailChoice>,
    /// By kind of alert, whether it is wanted.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kinds: BTreeMap<String, bool>,
}

/// A calendar of what ends; its URL is shown once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CreatedCalendarResponse {
    /// Whoever knows it reads the calendar; the former one does not count any more.
    pub url: SecretText,
    /// Seconds since 1970 UTC.
    pub created_at: u64,
}
