//! The drift monitor: whether the world is still as the live release says. Rules: `docs/howto/drift.md`.
//!
//! ```text
//! what is due ─► look (the guard's eyes) ─► judge (the core's `decide`) ─► standing (damped) ─► changes told once
//! ```
//!
//! Judging does no I/O, and whoever looked may be somebody else: a probe agent inside another network.

mod judge;
mod logged;
mod place;
mod propose;
mod record;
mod standing;

use std::collections::BTreeSet;

use pintle_store::{DriftRow, ObservedCertificateRow};

use crate::guard::LookSettings;

pub(crate) use judge::{DomainLook, Verdict, digest_pins};
pub use logged::CtWatch;
pub(crate) use logged::{LoggedLook, LoggedVerdict, hosts_of};
pub(crate) use place::{Published, judge_place};
pub(crate) use propose::{Proposal, summarize_proposed};
pub(crate) use record::{Finding, LoggedFinding, make_row, record_finding, record_logged, tell_end};
pub(crate) use standing::{Standing, advance};

/// The vantage point of the server itself.
pub(crate) const SERVER: &str = "server";
/// The vantage point of whoever reads CT logs.
pub(crate) const CT: &str = "ct";
/// What was not sure enough to be told is looked at again so soon.
const RETRY_SECS: u64 = 60;

/// How the control plane watches the world.
#[derive(Clone, Debug)]
pub struct MonitorSettings {
    /// How it looks at one domain.
    pub look: LookSettings,
    /// From one look at a domain to the next.
    pub interval_secs: u64,
    /// Domains that are looked at side by side.
    pub concurrency: usize,
}

/// What is known of a domain's certificates from before.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    /// Who issued certificates that apps accepted.
    pub(crate) issuers: BTreeSet<String>,
    /// SHA-256 of certificates that apps accepted, in base64.
    pub(crate) certificates: BTreeSet<String>,
    /// SHA-256 of their keys, in base64.
    pub(crate) keys: BTreeSet<String>,
}

impl Known {
    pub(crate) fn new(rows: &[ObservedCertificateRow]) -> Self {
        let accepted = || rows.iter().filter(|row| row.accepted_at.is_some());
        Self {
            issuers: accepted().map(|row| judge::identify_issuer(&row.issuer)).collect(),
            certificates: accepted().map(|row| row.sha256.clone()).collect(),
            keys: accepted().map(|row| row.spki_sha256.clone()).collect(),
        }
    }
}

/// When something is looked at next: at a time of its own in every interval, the same on every instance and after every
/// start, so that looks are spread however many came to be at once.
pub(crate) fn next_look(row: &DriftRow, interval_secs: u64, now_secs: u64) -> u64 {
    if row.pending_state.is_some() {
        return now_secs + RETRY_SECS.min(interval_secs);
    }
    let earliest = now_secs + interval_secs / 2;
    let phase = phase(row) % interval_secs.max(1);
    earliest + (phase + interval_secs - earliest % interval_secs.max(1)) % interval_secs.max(1)
}

/// When something new is looked at first: soon, and not everything at once.
pub(crate) fn first_look(row: &DriftRow, number: usize, interval_secs: u64, now_secs: u64) -> u64 {
    let window_secs = (number as u64 / 4).clamp(1, interval_secs.max(1));
    now_secs + phase(row) % window_secs
}

/// Any number, always the same for one subject and vantage point.
fn phase(row: &DriftRow) -> u64 {
    let name = format!("{} {} {} {}", row.project_id, row.kind, row.subject, row.vantage);
    let digest = pintle_core::crypto::sha256(name.as_bytes());
    digest.iter().take(7).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use pintle_store::ProjectId;

    pub(super) fn row(subject: &str) -> DriftRow {
        DriftRow {
            project_id: ProjectId::make(1),
            kind: "domain".into(),
            subject: subject.into(),
            vantage: SERVER.into(),
            state: None,
            since: None,
            detail: String::new(),
            pending_state: None,
            pending_count: 0.into(),
            pins_sha256: None,
            primary_pins: None,
            version: 1.into(),
            seen_at: None,
            due_at: None,
            lease: None,
        }
    }

    #[test]
    fn looks_are_spread_over_the_interval_however_many_come_at_once() {
        let mut per_minute = [0; 60];
        for number in 0..6000 {
            let at = next_look(&row(&format!("{number}.example")), 3600, 1_800_000_000);
            assert!((1_800_001_800..1_800_005_400).contains(&at));
            per_minute[usize::try_from(at % 3600 / 60).unwrap()] += 1;
        }
        assert!(per_minute.iter().all(|number| (50..200).contains(number)), "{per_minute:?}");
    }

    #[test]
    fn a_look_in_time_leads_to_the_next_one_an_interval_later() {
        let row = row("a.example");
        let first = next_look(&row, 3600, 1_800_000_000);
        assert_eq!(next_look(&row, 3600, first + 7), first + 3600);
        assert_eq!(next_look(&DriftRow { pending_state: Some("match".into()), ..row }, 3600, first), first + 60);
    }

    #[test]
    fn new_domains_are_looked_at_soon_and_many_not_at_once() {
        assert_eq!(first_look(&row("a.example"), 1, 3600, 100), 100);
        let latest = (0..10_000).map(|number| first_look(&row(&format!("{number}.example")), 10_000, 3600, 0)).max();
        assert!((2400..2500).contains(&latest.unwrap()));
    }
}
