use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Replaces the draft's Certificate Transparency logs, all of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "as_of": 1767225600, "logs": [{ "key": "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==", "operator": "Acme", "name": "Acme 2027" }] })))]
pub struct ReplaceCtLogsRequest {
    /// When the list that the logs come from was made, in seconds since 1970 UTC; not in the future. 70 days later
    /// `verified` only reports.
    pub as_of: u64,
    /// Up to 1000; each log once. None: no log is trusted.
    #[schema(max_items = 1000)]
    pub logs: Vec<CtLogRequest>,
}

/// A Certificate Transparency log (P-6.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CtLogRequest {
    /// Its P-256 key: one line of base64 of the DER SubjectPublicKeyInfo.
    pub key: String,
    #[schema(min_length = 1, max_length = 100)]
    /// Who runs it, up to 100 characters: SCTs of one operator alone never suffice.
    pub operator: String,
    #[schema(min_length = 1, max_length = 100)]
    /// What people call it, up to 100 characters; never published.
    pub name: String,
    /// SCTs issued later (seconds since 1970 UTC) do not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usable_until: Option<u64>,
}

/// The draft's Certificate Transparency logs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CtLogsResponse {
    /// When the list that they come from was made, in seconds since 1970 UTC; absent before the first list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub as_of: Option<u64>,
    /// Sorted by operator and name.
    pub logs: Vec<CtLogResponse>,
}

/// A Certificate Transparency log of the draft.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CtLogResponse {
    /// SHA-256 of its key, in standard base64 with padding: what SCTs name it by.
    pub id: String,
    /// Its P-256 key: one line of base64 of the DER SubjectPublicKeyInfo.
    pub key: String,
    /// Who runs it.
    pub operator: String,
    /// What people call it.
    pub name: String,
    /// SCTs issued later (seconds since 1970 UTC) do not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub usable_until: Option<u64>,
}

/// What a domain asks of Certificate Transparency (P-6.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CtRequest {
    /// What is checked.
    pub policy: CtPolicy,
    /// How many distinct logs: 2 unless given, and at most as many as there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<u64>,
    /// Ids of the logs that count; `declared` needs them, for `verified` all logs of the draft count unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logs: Option<Vec<String>>,
}

/// What a domain of the draft asks of Certificate Transparency.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CtResponse {
    /// What is checked.
    pub policy: CtPolicy,
    /// How many distinct logs.
    pub min: u64,
    /// Ids of the logs that count, sorted; absent: all logs of the draft.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub logs: Option<Vec<String>>,
}

/// How strictly Certificate Transparency is checked (P-6.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CtPolicy {
    /// Not at all.
    #[default]
    Off,
    /// The certificate names enough of the declared logs (P-6.2): no defence against the CA that issues it.
    Declared,
    /// Enough SCTs verify under the keys of the logs, of two operators at least (P-6.3).
    Verified,
}
