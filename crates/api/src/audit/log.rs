//! The audit log as routes and exports hold it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::AuditRecord;

/// One event with what is needed to verify it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AuditEventResponse {
    /// Hash of the event before it and of `record`, byte for byte as it stands here.
    pub hash: String,
    /// What happened.
    #[schema(value_type = AuditRecord)]
    pub record: Box<RawValue>,
    /// The personal values that `record` holds commitments to, as far as they were not erased.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub personal: BTreeMap<String, AuditPersonal>,
}

/// A personal value and what its commitment was made with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditPersonal {
    /// The value.
    pub value: String,
    /// 32 bytes in hexadecimal.
    pub salt: String,
}

/// A place in a chain, and the hash of the event there: enough to notice later that anything up to it was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditPoint {
    /// Place of the event.
    pub seq: u64,
    /// Its hash.
    pub hash: String,
}

/// Where a chain begins and ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditChainResponse {
    /// `org_…`
    pub chain: String,
    /// The last event that was removed because its time was over; an `audit.checkpoint` event tells of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub checkpoint: Option<AuditPoint>,
    /// The newest event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub head: Option<AuditPoint>,
}

/// Which events are sought, and which page of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// At most so many entries: 1 to 500, 100 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 500, default = 100, nullable = false)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before; the first page without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(max_length = 4096, nullable = false)]
    pub cursor: Option<String>,
    /// `newest` or `oldest` first; newest unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(nullable = false, inline)]
    pub order: Option<AuditOrder>,
    /// Not before: seconds since 1970 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(nullable = false)]
    pub from: Option<u64>,
    /// Before: seconds since 1970 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(nullable = false)]
    pub until: Option<u64>,
    /// An action, as `domain.added`, or what comes before the full stop, as `domain`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(nullable = false)]
    pub action: Option<String>,
    /// Who did it: `acc_…`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(nullable = false)]
    pub actor: Option<String>,
    /// Id of what it happened to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(nullable = false, max_length = 200)]
    pub target: Option<String>,
    /// The project it is about: `prj_…`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(nullable = false)]
    pub project: Option<String>,
}

/// Which events come first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuditOrder {
    /// The last one.
    #[default]
    Newest,
    /// The first one.
    Oldest,
}

/// The first line of an export as JSON Lines; each of the others is an [`AuditEventResponse`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditExportHeader {
    /// Version of the format: 1.
    pub pintle_audit_export: u64,
    /// The whole chain, and not what a filter left of it: it can be verified.
    pub is_complete: bool,
    /// Where the chain began and ended when it was exported.
    #[serde(flatten)]
    pub chain: AuditChainResponse,
}

impl AuditEventResponse {
    /// What happened, read.
    ///
    /// # Errors
    /// When it is no record.
    pub fn parse_record(&self) -> Result<AuditRecord, serde_json::Error> {
        serde_json::from_str(self.record.get())
    }
}
