use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What was deleted is hidden already; what is left of it goes later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeletionResponse {
    /// When it is erased for good: seconds since 1970 UTC.
    pub erased_at: u64,
}
