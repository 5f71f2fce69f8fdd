use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Finding;

/// A failure as an RFC 9457 problem document (`application/problem+json`). `type` is absent, so it is `about:blank`:
/// `title` is the phrase of the status, and `code` is what programs look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Stable, lower-case code; never reused for another meaning.
    pub code: String,
    /// Phrase of the HTTP status.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What went wrong, in one sentence.
    pub detail: String,
    /// What to do about it, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub hint: Option<String>,
    /// With `guard_refused`: what the guard found, errors first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
}

impl Problem {
    /// Media type of the document.
    pub const MEDIA_TYPE: &'static str = "application/problem+json";
}
