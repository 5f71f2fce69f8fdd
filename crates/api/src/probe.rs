//! Probe agents: programs inside other networks that report, signed, what they see there.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::DriftResponse;

/// Adds a probe agent to an organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "name": "office-berlin", "public_key": "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE…" })))]
pub struct AddProbeAgentRequest {
    /// Its vantage point: 1 to 32 characters out of a-z, 0-9 and `-`.
    pub name: String,
    /// The key that signs its reports: P-256, DER SubjectPublicKeyInfo in base64. No project's key.
    pub public_key: String,
}

/// A program inside another network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProbeAgentResponse {
    /// `agt_…`
    pub id: String,
    /// Its vantage point.
    pub name: String,
    /// The key that signs its reports, in base64.
    pub public_key: String,
    /// `acc_…` of who added it.
    pub added_by: String,
    /// Seconds since 1970 UTC.
    pub added_at: u64,
    /// When it reported last: seconds since 1970 UTC; absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub last_report_at: Option<u64>,
}

/// A domain of the live release to look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProbeTaskResponse {
    /// Its name.
    pub domain: String,
    /// Hosts that stand for it, as `host:port`; none of a wildcard for which nobody named one.
    pub endpoints: Vec<String>,
}

/// What an agent saw, and its signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "agent": "agt_01h455vb4pex5vsknk084sn02q", "report": "{}", "signature": "" })))]
pub struct ProbeReportRequest {
    /// `agt_…` of who looked.
    pub agent: String,
    /// A [`ProbeReport`] as JSON: the text that was signed.
    pub report: String,
    /// ECDSA P-256 with SHA-256 over [`PROBE_REPORT_CONTEXT`] and the text: r and s, 32 bytes each, in base64.
    pub signature: String,
}

/// What stands before a report when it is signed: no configuration, statement or anything else begins so.
pub const PROBE_REPORT_CONTEXT: &str = "pintle-probe-report-v1\n";

/// What an agent saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeReport {
    /// `agt_…` of who looked.
    pub agent: String,
    /// `org_…` it is meant for.
    pub organization: String,
    /// `prj_…` it is meant for.
    pub project: String,
    /// When it was signed, by the agent's clock: seconds since 1970 UTC. More than five minutes off is refused.
    pub sent_at: u64,
    /// Higher with each report of the agent; what is not is refused.
    pub seq: u64,
    /// Of each domain that was looked at.
    pub domains: Vec<ProbedDomain>,
}

/// See [`ProbeReport`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbedDomain {
    /// Its name in the release.
    pub domain: String,
    /// Of each host that stands for it.
    pub endpoints: Vec<ProbedEndpoint>,
}

/// See [`ProbeReport`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbedEndpoint {
    /// `host:port`
    pub endpoint: String,
    /// What its addresses showed.
    pub sights: Vec<ProbedSight>,
}

/// See [`ProbeReport`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ProbedSight {
    /// A chain was presented.
    Chain {
        /// `address:port`; none where a proxy resolved the name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        address: Option<String>,
        /// DER in base64, leaf first.
        certificates: Vec<String>,
        /// A stapled OCSP response, DER in base64; empty: none.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        ocsp_response: String,
    },
    /// Nobody answered, or not with TLS; why, as the end of a sentence.
    Unreachable(String),
    /// Nobody asked; why, as the end of a sentence.
    NotLookedAt(String),
}

/// What is believed after a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProbeReportResponse {
    /// Of each domain that it was about and that the live release has.
    pub drift: Vec<DriftResponse>,
}
