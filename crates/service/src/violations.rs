//! What apps report (`docs/spec/reports.md`): gathered in memory, written by a job, and believed by nobody.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Mutex, PoisonError, RwLock},
};

use pintle_api::{ReportedCount, ViolationReport};
use pintle_core::{Code, limits::MAX_NAME_CHARS};
use pintle_store::ViolationCountRow;

use crate::alert::DAY_SECS;

/// what an SDK counts at once.
const MAX_COUNTS: usize = 64;
/// one installation cannot have met more between two reports.
const MAX_OF_ONE_REPORT: u64 = 10_000;
/// Gathered of one project between two writes: more than its entries and codes of some releases come to.
const MAX_KINDS_OF_PROJECT: usize = 512;
/// Reports of a day that are no noise.
const MIN_JUMP: u64 = 20;
/// How much more than usual is a jump.
const JUMP_FACTOR: u64 = 3;
/// Sums of the days that are looked at, at most.
pub(crate) const MAX_SUMS: u64 = 20_000;
/// Days that are looked at for what is usual, the two newest apart.
const USUAL_DAYS: usize = 7;

/// Sums since they were last written.
#[derive(Debug, Default)]
pub(crate) struct Violations {
    /// The projects there are, by organization and id: whatever else is named is nobody's.
    known: RwLock<HashSet<(String, String)>>,
    sums: Mutex<BTreeMap<String, Sums>>,
}

/// Sums of one project.
pub(crate) type Sums = BTreeMap<Kind, Sum>;

/// What is counted apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Kind {
    /// Entry; empty: none.
    pub(crate) domain: String,
    pub(crate) code: &'static str,
    /// 0: none.
    pub(crate) version: u64,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sum {
    pub(crate) refused: u64,
    pub(crate) reported: u64,
    pub(crate) reports: u64,
}

impl Violations {
    /// Counts a report; cheap, whatever the database does.
    pub(crate) fn note(&self, report: &ViolationReport) {
        let key = (report.organization.clone(), report.project.clone());
        if !self.known.read().unwrap_or_else(PoisonError::into_inner).contains(&key) {
            return;
        }
        let mut sums = self.sums.lock().unwrap_or_else(PoisonError::into_inner);
        let of_project = sums.entry(key.1).or_default();
        for count in report.counts.iter().take(MAX_COUNTS) {
            let Some(kind) = Kind::parse(count) else { continue };
            if of_project.len() >= MAX_KINDS_OF_PROJECT && !of_project.contains_key(&kind) {
                continue;
            }
            let sum = of_project.entry(kind).or_default();
            sum.refused = sum.refused.saturating_add(count.refused.min(MAX_OF_ONE_REPORT));
            sum.reported = sum.reported.saturating_add(count.reported.min(MAX_OF_ONE_REPORT));
            sum.reports = sum.reports.saturating_add(1);
        }
    }

    /// Says which projects there are.
    pub(crate) fn learn(&self, known: HashSet<(String, String)>) {
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = known;
    }

    /// What is to be written.
    pub(crate) fn take(&self) -> BTreeMap<String, Sums> {
        std::mem::take(&mut *self.sums.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Kind {
    fn parse(count: &ReportedCount) -> Option<Self> {
        let code = Code::parse(&count.code)?.as_str();
        let is_empty = count.refused == 0 && count.reported == 0;
        let domain = count.domain.clone().unwrap_or_default();
        // What no entry is called is not kept until somebody finds that out.
        let is_name = domain.len() <= MAX_NAME_CHARS;
        (is_name && !is_empty).then_some(Self { domain, code, version: count.version.unwrap_or_default() })
    }
}

/// The first second of the day of `secs`.
pub(crate) fn day_of(secs: u64) -> u64 {
    secs - secs % DAY_SECS
}

/// Since which day reports tell whether there is a jump at `now_secs`.
pub(crate) fn first_day(now_secs: u64) -> u64 {
    day_of(now_secs).saturating_sub((USUAL_DAYS as u64 + 1) * DAY_SECS)
}

/// How violations of one entry go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trend {
    /// Reports on the fuller one of the last two days.
    pub recent: u64,
    /// Reports a day in the week before them.
    pub usual: u64,
    /// Reports in the last seven days.
    pub week: u64,
}

impl Trend {
    /// Whether more is reported than noise and habit explain.
    #[must_use]
    pub fn is_jump(self) -> bool {
        self.recent >= MIN_JUMP && self.recent >= self.usual.saturating_mul(JUMP_FACTOR)
    }
}

/// How violations go, by entry, as `rows` tell at `now_secs`.
pub(crate) fn find_trends(rows: &[ViolationCountRow], now_secs: u64) -> HashMap<String, Trend> {
    let today = day_of(now_secs);
    let mut days: HashMap<&str, [u64; USUAL_DAYS + 2]> = HashMap::new();
    for row in rows {
        let age = today.saturating_sub(row.day.value()) / DAY_SECS;
        let of_entry = days.entry(row.domain.as_str()).or_default();
        if let Some(day) = usize::try_from(age).ok().and_then(|age| of_entry.get_mut(age)) {
            *day = day.saturating_add(row.reports.value());
        }
    }
    let trend = |[today, yesterday, before @ ..]: [u64; USUAL_DAYS + 2]| Trend {
        recent: today.max(yesterday),
        usual: before.iter().sum::<u64>() / USUAL_DAYS as u64,
        week: today + yesterday + before.iter().take(USUAL_DAYS - 2).sum::<u64>(),
    };
    days.into_iter().map(|(name, days)| (name.to_owned(), trend(days))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(project: &str, domain: &str) -> ViolationReport {
        let count = ReportedCount {
            domain: Some(domain.to_owned()),
            code: Code::PinMismatch.as_str().to_owned(),
            version: Some(1),
            refused: 1,
            reported: 0,
        };
        ViolationReport { format: 1, organization: "o".into(), project: project.into(), counts: vec![count] }
    }

    #[test]
    fn reports_about_what_there_is_not_take_no_memory_and_others_a_bounded_one() {
        let violations = Violations::default();
        violations.learn([("o".to_owned(), "ours".to_owned())].into());
        for number in 0..1000 {
            violations.note(&report(&format!("foreign{number}"), "a.example"));
            violations.note(&report("ours", &format!("{number}.example")));
            violations.note(&report("ours", &"a".repeat(10_000 + number)));
        }
        let sums = violations.take();
        assert_eq!((sums.len(), sums.get("ours").map(BTreeMap::len)), (1, Some(MAX_KINDS_OF_PROJECT)));
        assert!(sums.values().flatten().all(|(kind, _)| kind.domain.len() < 20));
        assert!(violations.take().is_empty());
    }
}
