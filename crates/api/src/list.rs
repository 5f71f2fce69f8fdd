use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which page of a list: what every list route takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// At most so many entries: 1 to 500, 100 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 500, default = 100, nullable = false)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before; the first page without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(max_length = 4096, nullable = false)]
    pub cursor: Option<String>,
}

impl ListQuery {
    /// Entries per page unless asked for otherwise.
    pub const DEFAULT_LIMIT: u32 = 100;
    /// Most entries per page.
    pub const MAX_LIMIT: u32 = 500;
}

/// A page of a list of `T`, in the order the route documents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ListResponse<T> {
    /// The entries.
    pub items: Vec<T>,
    /// Leads to the next page; absent on the last one. It says nothing to anybody but the list it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
}
