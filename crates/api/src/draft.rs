use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{DomainResponse, Finding};

/// The staged state of a project: what the next release will say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DraftResponse {
    /// Rises with every change; also the `ETag`, for `If-Match` on changes.
    pub revision: u64,
    /// Settings of the whole file.
    pub settings: DraftSettings,
    /// Sorted by name.
    pub domains: Vec<DomainResponse>,
    /// What differs from the last accepted release; empty when nothing is staged.
    pub changes: Vec<Change>,
    /// What deserves a second look before a release, as far as the draft alone tells; errors first.
    pub findings: Vec<Finding>,
}

/// Settings that hold for the whole configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DraftSettings {
    /// Seconds a fetched copy counts as fresh: 60 to 604800.
    pub refresh_secs: u64,
    /// What a device does with a file past its expiry.
    pub on_stale: OnStale,
    /// How long a release is valid, counted from prepare.
    pub expiry: Expiry,
    /// SPKI SHA-256 digests, in base64, refused for every host (P-2.7).
    pub deny: Vec<String>,
    /// When the list that the Certificate Transparency logs come from was made, in seconds since 1970 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub ct_logs_as_of: Option<u64>,
}

/// Changes settings of the draft; absent members stay as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "refresh_secs": 600 })))]
pub struct UpdateDraftRequest {
    /// Seconds a fetched copy counts as fresh: 60 to 604800.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 60, maximum = 604_800)]
    pub refresh_secs: Option<u64>,
    /// What a device does with a file past its expiry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_stale: Option<OnStale>,
    /// How long a release is valid, counted from prepare.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiry: Option<Expiry>,
    /// The whole new list of denied SPKI SHA-256 digests, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deny: Option<Vec<String>>,
}

/// What a device does with a file past its expiry (P-3.8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnStale {
    /// Keeps enforcing it and reports `config_stale`.
    #[default]
    Keep,
    /// Refuses every connection.
    Fail,
}

/// How long a release is valid: `"never"` (it does not end) or `{"after_secs": N}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Expiry {
    /// The file carries no `exp`.
    Never,
    /// `exp` = `iat` + this many seconds: 3600 to 315360000 (ten years).
    AfterSecs(u64),
}

/// One difference between the last accepted release and the draft.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Change {
    /// What happened to the subject.
    pub kind: ChangeKind,
    /// What it happened to: `refresh`, `domain api.example.com`, `domain api.example.com pin spki-sha256:…`.
    pub subject: String,
    /// The value in the release, where a value changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub before: Option<String>,
    /// The value in the draft, where a value changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub after: Option<String>,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.kind {
            ChangeKind::Added => '+',
            ChangeKind::Removed => '-',
            ChangeKind::Changed => '~',
        };
        write!(f, "{sign} {}", self.subject)?;
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => write!(f, ": {before} -> {after}"),
            (None, Some(after)) => write!(f, ": {after}"),
            (Some(before), None) => write!(f, ": was {before}"),
            (None, None) => Ok(()),
        }
    }
}

/// What happened to the subject of a [`Change`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// In the draft only.
    Added,
    /// In the release only.
    Removed,
    /// In both, with another value.
    Changed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_is_a_word_or_a_number_of_seconds() {
        assert_eq!(serde_json::to_string(&Expiry::Never).unwrap(), r#""never""#);
        assert_eq!(serde_json::from_str::<Expiry>(r#"{"after_secs":3600}"#).unwrap(), Expiry::AfterSecs(3600));
    }

    #[test]
    fn a_misspelt_setting_is_an_error() {
        assert!(serde_json::from_str::<UpdateDraftRequest>(r#"{"refresh":600}"#).is_err());
    }
}
