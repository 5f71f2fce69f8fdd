use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// How urgent an alert is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlertSeverity {
    /// Good to know.
    Info,
    /// Something is to be done in the next days.
    Warning,
    /// Users are, or will soon be, cut off or attacked.
    Critical,
}

impl AlertSeverity {
    /// As answers and databases spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// A condition that members should know of, or a thing that happened once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AlertResponse {
    /// `alr_…`
    pub id: String,
    /// One of the kinds in docs/howto/alerts.md; there may be new ones in a later version.
    pub kind: String,
    /// How urgent it is.
    pub severity: AlertSeverity,
    /// A headline.
    pub title: String,
    /// What it is about: a host, a target, the number of a release.
    pub subject: String,
    /// What is the matter, in a sentence.
    pub detail: String,
    /// What to do.
    pub runbook: String,
    /// `org_…`
    pub organization_id: String,
    /// `prj_…` of the project it is about, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub project_id: Option<String>,
    /// Seconds since 1970 UTC.
    pub raised_at: u64,
    /// When it was told last, since it became more urgent: seconds since 1970 UTC.
    pub told_at: u64,
    /// When it was over; of what happened once, when it happened. Absent: it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub resolved_at: Option<u64>,
}

/// Which alerts are sought, and which page of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AlertQuery {
    /// At most so many entries: 1 to 500, 100 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 500, default = 100, nullable = false)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before; the first page without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(max_length = 4096, nullable = false)]
    pub cursor: Option<String>,
    /// Only what still holds.
    #[serde(default)]
    #[param(default = false)]
    pub open: bool,
    /// Only of this kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(nullable = false)]
    pub kind: Option<String>,
    /// Only about this project: `prj_…`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(nullable = false)]
    pub project: Option<String>,
}

/// How far ahead to look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StatusQuery {
    /// What ends within so many days: 30 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 3650, default = 30, nullable = false)]
    pub days: Option<u64>,
}

/// What is open in an organization, and what is due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StatusResponse {
    /// The newest alerts that hold, at most 100.
    pub open: Vec<AlertResponse>,
    /// What ends soon, the soonest first, at most 100.
    pub due: Vec<DueDateResponse>,
    /// Until when it was looked: seconds since 1970 UTC.
    pub due_until: u64,
}

/// When something of a project ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DueDateResponse {
    /// What ends.
    pub kind: DueKind,
    /// `prj_…`
    pub project_id: String,
    /// Which one: a host, a pin of a domain, `pins.jws`.
    pub subject: String,
    /// Seconds since 1970 UTC.
    pub due_at: u64,
}

/// What ends on a day that is known beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DueKind {
    /// A certificate that a server shows.
    Certificate,
    /// A pin of the published release.
    Pin,
    /// The published release itself.
    Configuration,
}
