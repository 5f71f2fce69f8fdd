//! What a check says of Certificate Transparency.

use base64ct::{Base64, Encoding};
use pintle_core::{
    Code, Decision, VerifiedConfig,
    claims::{CtPolicy, Domain},
    ct::embedded_scts,
    decide::Verdict,
    der::Certificate,
};
use serde::Serialize;

/// What became of the entry's requirement.
#[derive(Serialize)]
pub(super) struct CtReport {
    /// As the configuration spells it.
    policy: &'static str,
    /// Whether the connection meets it; absent if something else was refused first.
    satisfied: Option<bool>,
    /// Whether the log list is too old for `verified` to refuse anything (P-6.4).
    list_stale: bool,
    /// The SCTs embedded in the server's certificate.
    scts: Vec<SctReport>,
}

#[derive(Serialize)]
struct SctReport {
    log_id: String,
    /// Who runs the log, if the configuration knows it.
    operator: Option<String>,
}

impl CtReport {
    /// Nothing where the entry asks for nothing.
    pub(super) fn new(decision: &Decision, domain: &Domain, config: &VerifiedConfig, leaf: &[u8]) -> Option<Self> {
        if domain.ct.policy == CtPolicy::Off {
            return None;
        }
        let satisfied = match (&decision.verdict, decision.code()) {
            (_, Some(Code::CtNotSatisfied)) => Some(false),
            (Verdict::Pinned { .. }, _) => Some(true),
            _ => None,
        };
        let scts = Certificate::parse(leaf).and_then(|leaf| {
            let describe =
                |id: &[u8; 32]| SctReport { log_id: Base64::encode_string(id), operator: find_operator(config, id) };
            Ok(embedded_scts(&leaf)?.iter().map(|sct| describe(sct.log_id)).collect())
        });
        Some(Self {
            policy: domain.ct.policy.as_str(),
            satisfied,
            list_stale: decision.ct_list_stale,
            scts: scts.unwrap_or_default(),
        })
    }

    pub(super) fn describe(&self) -> String {
        let verdict = match self.satisfied {
            Some(true) => "satisfied",
            Some(false) => "not satisfied",
            None => "not judged",
        };
        let stale = if self.list_stale { "; the log list is too old and only reports" } else { "" };
        let operators: Vec<_> =
            self.scts.iter().map(|sct| sct.operator.as_deref().unwrap_or("a log not in the configuration")).collect();
        let named = if operators.is_empty() { "none".to_owned() } else { operators.join(", ") };
        format!("{} {verdict}{stale}; SCTs in the certificate: {named}", self.policy)
    }
}

fn find_operator(config: &VerifiedConfig, id: &[u8; 32]) -> Option<String> {
    config.claims().ct_logs.iter().find(|log| log.id() == id).map(|log| log.operator().to_owned())
}
