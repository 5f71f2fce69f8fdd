use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::Change;

/// What to compare.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DiffQuery {
    /// `draft`, or the number of a release; the last accepted release unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(nullable = false)]
    pub from: Option<String>,
    /// `draft`, or the number of a release; the draft unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(nullable = false)]
    pub to: Option<String>,
}

/// What differs between two of a project's releases, or one of them and the draft.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DiffResponse {
    /// `draft`, or the number of a release; absent: nothing was released yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub from: Option<String>,
    /// `draft`, or the number of a release.
    pub to: String,
    /// What has to happen to `from` to make it `to`; numbers and dates of releases do not count.
    pub changes: Vec<Change>,
}
