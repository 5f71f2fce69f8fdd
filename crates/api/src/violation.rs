use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// What an app counted, as `docs/spec/reports.md` says. Unknown members are for later formats.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ViolationReport {
    /// 1.
    pub format: u64,
    /// `org_…`
    pub organization: String,
    /// `prj_…`
    pub project: String,
    /// At most 64 are read.
    pub counts: Vec<ReportedCount>,
}

/// One sum of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportedCount {
    /// Entry of the configuration; absent where none decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Code of the decision.
    pub code: String,
    /// Release that decided; absent without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// Connections refused.
    #[serde(default)]
    pub refused: u64,
    /// Connections allowed although something was wrong.
    #[serde(default)]
    pub reported: u64,
}

/// Which violations are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ViolationsQuery {
    /// How many days back, today included: 1 to 90, 7 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 90)]
    pub days: Option<u64>,
}

/// What apps reported of a project. Anyone can send anything: it raises questions, and proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ViolationsResponse {
    /// Newest day first, then by entry, code and release; at most 2,000.
    pub sums: Vec<ViolationSum>,
    /// Whether there are more.
    pub is_cut: bool,
}

/// Sums of one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ViolationSum {
    /// Its first second, since 1970 UTC.
    pub day: u64,
    /// Entry of the configuration; absent where none decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub domain: Option<String>,
    /// Code of the decision.
    pub code: String,
    /// Release that decided; absent without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub version: Option<u64>,
    /// Connections refused.
    pub refused: u64,
    /// Connections allowed although something was wrong.
    pub reported: u64,
    /// Reports that told of it.
    pub reports: u64,
}
