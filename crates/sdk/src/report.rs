//! Sums of violations, for a collector of the app's choice (`docs/spec/reports.md`).

use std::{collections::BTreeMap, sync::Arc};

use pintle_core::{Decision, Root, decide::Verdict};
use serde::Serialize;

///
const MAX_KINDS: usize = 64;
///
const MAX_SUM: u64 = 1_000_000;
const FORMAT: u64 = 1;

/// What was refused, and what would have been, since it was last taken.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    kinds: BTreeMap<Kind, Sums>,
}

/// what is told of a violation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Kind {
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<String>,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Sums {
    refused: u64,
    reported: u64,
}

/// Sums on their way to a collector, and the root under which they were counted.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) tally: Tally,
    pub(crate) root: Arc<Root>,
}

impl Report {
    /// What is sent.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        let counts = self.tally.kinds.iter().map(|(kind, sums)| Count { kind, sums: *sums });
        let (organization, project) = (self.root.organization().as_str(), self.root.project().as_str());
        let report = Body { format: FORMAT, organization, project, counts: counts.collect() };
        // Maps of strings and numbers: it cannot fail.
        serde_json::to_vec(&report).unwrap_or_default()
    }
}

#[derive(Serialize)]
struct Body<'a> {
    format: u64,
    organization: &'a str,
    project: &'a str,
    counts: Vec<Count<'a>>,
}

#[derive(Serialize)]
struct Count<'a> {
    #[serde(flatten)]
    kind: &'a Kind,
    #[serde(flatten)]
    sums: Sums,
}

impl Tally {
    /// Counts a final decision, made by the release `version`; whether it was a violation.
    pub(crate) fn note(&mut self, decision: &Decision, version: Option<u64>) -> bool {
        let (domain, sums) = match &decision.verdict {
            Verdict::Refused { domain, .. } => (domain.as_ref(), Sums { refused: 1, reported: 0 }),
            Verdict::Reported { domain, .. } => (Some(domain), Sums { refused: 0, reported: 1 }),
            Verdict::Pinned { .. } | Verdict::NotCovered => return false,
        };
        let Some(code) = decision.code() else { return false };
        self.add(Kind { domain: domain.map(ToString::to_string), code: code.as_str(), version }, sums);
        true
    }

    /// Joins what could not be sent with what was counted since.
    pub(crate) fn put_back(&mut self, unsent: Self) {
        for (kind, sums) in unsent.kinds {
            self.add(kind, sums);
        }
    }

    fn add(&mut self, kind: Kind, sums: Sums) {
        if self.kinds.len() >= MAX_KINDS && !self.kinds.contains_key(&kind) {
            return;
        }
        let known = self.kinds.entry(kind).or_default();
        known.refused = known.refused.saturating_add(sums.refused).min(MAX_SUM);
        known.reported = known.reported.saturating_add(sums.reported).min(MAX_SUM);
    }
}
