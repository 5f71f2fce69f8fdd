//! What earlier releases tell.

use std::collections::{HashMap, HashSet};

use pintle_api::{Finding, FindingCode};
use pintle_core::{
    Name, UnixTime, VerifiedConfig,
    claims::{Claims, Domain, Enforce},
};

use super::{GuardInput, Trend, file::make, live::days};

/// How long apps report on an entry before it enforces.
pub const REPORT_PERIOD_SECS: u64 = 7 * 86_400;

/// A release that devices saw.
#[derive(Clone, Debug)]
pub struct PastRelease {
    /// Since when they could.
    pub accepted_at: UnixTime,
    /// How much each entry enforced: name, and the percentage of installations.
    pub enforced: HashMap<Name, u8>,
}

impl PastRelease {
    /// A release that said `claims`.
    #[must_use]
    pub fn new(accepted_at: UnixTime, claims: &Claims) -> Self {
        let enforced = claims.domains.iter().map(|domain| (domain.name.clone(), percentage(domain.enforce)));
        Self { accepted_at, enforced: enforced.collect() }
    }

    fn percentage_of(&self, name: &Name) -> Option<u8> {
        self.enforced.get(name).copied()
    }
}

pub(super) fn find(input: &GuardInput<'_>) -> Vec<Finding> {
    let Some(previous) = input.previous.filter(|previous| !previous.claims().withdrawn) else { return Vec::new() };
    let mut findings = find_removed(previous.claims(), input.next);
    if let Some(history) = input.history {
        let domains = input.next.claims().domains.iter();
        findings.extend(domains.filter_map(|domain| find_jump(domain, history, input.now)));
    }
    if let Some(trends) = input.trends {
        let domains = input.next.claims().domains.iter();
        findings.extend(domains.filter_map(|domain| find_violations(domain, previous.claims(), trends)));
    }
    findings
}

/// An entry that enforces more than before, while apps report violations of it.
fn find_violations(domain: &Domain, previous: &Claims, trends: &HashMap<String, Trend>) -> Option<Finding> {
    let before = previous.domains.iter().find(|known| known.name == domain.name)?;
    let (before, next) = (percentage(before.enforce), percentage(domain.enforce));
    let name = domain.name.to_string();
    let trend = trends.get(&name).filter(|trend| next > before && trend.week > 0)?;
    let raised = format!("{name} goes from {before} % to {next} %");
    if trend.is_jump() {
        let detail = format!("{raised}, while {} apps a day report violations, {} before.", trend.recent, trend.usual);
        return Some(Finding::new(FindingCode::ViolationsJumped, &detail).about(&name));
    }
    let detail = format!("{raised}; violations were reported {} times in 7 days.", trend.week);
    Some(Finding::new(FindingCode::ViolationsReported, &detail).about(&name))
}

/// Entries of the last release that the next one covers no longer.
fn find_removed(previous: &Claims, next: &VerifiedConfig) -> Vec<Finding> {
    let names: HashSet<_> = next.claims().domains.iter().map(|domain| &domain.name).collect();
    let is_gone = |domain: &&Domain| match &domain.name {
        Name::Exact(host) => next.domain_for(host).is_none(),
        wildcard => !names.contains(wildcard),
    };
    let tell = |domain: &Domain| {
        let name = domain.name.to_string();
        Finding::new(FindingCode::DomainRemoved, &format!("The last release covers {name}, this one does not."))
            .about(&name)
    };
    previous.domains.iter().filter(is_gone).map(tell).collect()
}

/// An entry that enforces more than before, without a week in which apps only reported on it, or enforced less.
fn find_jump(domain: &Domain, history: &[PastRelease], now: UnixTime) -> Option<Finding> {
    let next = percentage(domain.enforce);
    let last = history.first()?.percentage_of(&domain.name);
    if next == 0 || last.is_some_and(|last| last >= next) {
        return None;
    }
    let is_trial = |release: &&PastRelease| release.percentage_of(&domain.name).is_some_and(|before| before < next);
    let trial_secs = history.iter().take_while(is_trial).last().map_or(0, |first| now.secs_since(first.accepted_at));
    if trial_secs >= REPORT_PERIOD_SECS {
        return None;
    }
    let before = match last {
        None => "was not in the last release".to_owned(),
        Some(0) => "only reported in the last release".to_owned(),
        Some(percentage) => format!("was enforced by {percentage} % of installations in the last release"),
    };
    let detail = format!("{} enforces ({next} %) and {before}; apps tried it for {}.", domain.name, days(trial_secs));
    Some(make(FindingCode::NoReportPeriod, domain, &detail))
}

/// Of installations.
fn percentage(enforce: Enforce) -> u8 {
    match enforce {
        Enforce::Report => 0,
        Enforce::Percent(percentage) => percentage,
        Enforce::Always => 100,
    }
}
