use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Adds a target to a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "destination": "www" })))]
pub struct AddTargetRequest {
    /// Name of a destination that the operator offers to the organization.
    pub destination: String,
}

/// Removes a target from a project.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct RemoveTargetQuery {
    /// Whether the files of the project are taken away there; otherwise they stay, and grow old.
    #[serde(default)]
    pub unpublish: bool,
}

/// A place that the operator lets the organization publish to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DestinationResponse {
    /// Its name.
    pub name: String,
    /// Where it is, as `s3://bucket?region=eu-central-1`; no secrets.
    pub place: String,
    /// Where apps find what lies there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub public_url: Option<String>,
}

/// A place that gets every release of a project besides the built-in origin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TargetResponse {
    /// Name of its destination, and its own.
    pub name: String,
    /// Where it is; absent while the operator does not offer the destination any more, and nothing is published there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub place: Option<String>,
    /// Where apps find what lies there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub public_url: Option<String>,
    /// `acc_…` of who added it.
    pub added_by: String,
    /// Seconds since 1970 UTC.
    pub added_at: u64,
}

/// What a test of a target found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TargetTestResponse {
    /// Whether every step succeeded.
    pub usable: bool,
    /// The steps that were tried, in order.
    pub steps: Vec<TargetTestStep>,
}

/// One step of a test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TargetTestStep {
    /// `open`, `write`, `read`, `headers`, `conditions`, `public` or `remove`.
    pub step: String,
    /// Stable code of what is wrong; absent: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub code: Option<String>,
    /// What is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub message: Option<String>,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub hint: Option<String>,
}
