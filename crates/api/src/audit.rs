//! The audit log as it travels, and how its chain is linked: enough to verify an export without the server.

mod log;
mod verify;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

pub use log::{
    AuditChainResponse, AuditEventResponse, AuditExportHeader, AuditOrder, AuditPersonal, AuditPoint, AuditQuery,
};
pub use verify::{AuditChainError, AuditVerifier};

/// What is hashed of an event. A chain keeps the exact text; this type only reads and first writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditRecord {
    /// Place in the chain: 1, 2, …
    pub seq: u64,
    /// Seconds since 1970 UTC.
    pub at: u64,
    /// What happened, as `domain.added`.
    pub action: String,
    /// Who did it.
    pub actor: AuditActor,
    /// What it happened to.
    pub target: AuditTarget,
    /// The project it is about: `prj_…`
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub project_id: Option<String>,
    /// How the target was before, in short.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub before: Option<Value>,
    /// How it is now, in short.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub after: Option<Value>,
    /// Id of the request that caused it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub request_id: Option<String>,
    /// Commitments to personal values, by their names: see [`derive_audit_commitment`]. The values themselves stand beside
    /// the record and may have been erased.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub personal: BTreeMap<String, String>,
}

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditActor {
    /// Kind of actor.
    pub kind: AuditActorKind,
    /// `acc_…`, if an account did it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub account_id: Option<String>,
    /// What it signed in with: `tok_…` or `ses_…`
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub credential_id: Option<String>,
}

/// Kind of actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuditActorKind {
    /// A person or a program with an account.
    Account,
    /// The server itself.
    System,
    /// Somebody who is not signed in.
    Anonymous,
}

/// What it happened to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditTarget {
    /// Kind of thing: `domain`, `release`, …
    pub kind: String,
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub id: Option<String>,
    /// What people call it, where that is not personal.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
}

/// The hash before the first event of a chain.
pub const AUDIT_CHAIN_START: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Hash of an event: SHA-256 over the hash before it (64 hexadecimal digits), a line feed, and the record's exact text;
/// lower-case hexadecimal.
pub fn derive_audit_hash(previous: &str, record: &str) -> String {
    write_hex(Sha256::new().chain_update(previous).chain_update(b"\n").chain_update(record))
}

/// Commitment to a personal value: SHA-256 over `salt` (32 random bytes) and the value; lower-case hexadecimal. Without
/// value and salt it says nothing.
pub fn derive_audit_commitment(salt: &[u8; 32], value: &str) -> String {
    write_hex(Sha256::new().chain_update(salt).chain_update(value))
}

fn write_hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
