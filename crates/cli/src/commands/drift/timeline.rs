//! How it went, day by day, in one line of text.

use std::collections::{BTreeMap, BTreeSet};

use pintle_api::{DriftChangeResponse, DriftState};
use pintle_core::UnixTime;

const DAY_SECS: u64 = 86_400;
const UNKNOWN: char = ' ';

/// A line for each vantage point: one character a day, today last, the weightiest state of the day.
pub(super) fn draw(changes: &[DriftChangeResponse], days: u64, now: UnixTime) -> BTreeMap<String, String> {
    let vantages: BTreeSet<_> = changes.iter().map(|change| change.vantage.clone()).collect();
    let line = |vantage: &String| {
        let mut own: Vec<_> = changes.iter().filter(|change| change.vantage == *vantage).collect();
        own.sort_by_key(|change| change.at);
        let day = |back: u64| {
            let until = now.as_secs().saturating_sub(back * DAY_SECS);
            let from = until.saturating_sub(DAY_SECS);
            let at_first = own.iter().rev().find(|change| change.at <= from).map(|change| change.after);
            let within = own.iter().filter(|change| from < change.at && change.at <= until).map(|change| change.after);
            within.chain(at_first).max().map_or(UNKNOWN, sign)
        };
        let strip: String = (0..days).rev().map(day).collect();
        format!("|{strip}|")
    };
    vantages.into_iter().map(|vantage| (vantage.clone(), line(&vantage))).collect()
}

/// What the characters mean, of those that are there.
pub(super) fn legend(changes: &[DriftChangeResponse], days: u64) -> String {
    let states: BTreeSet<_> = changes.iter().map(|change| change.after).collect();
    let meanings: Vec<_> = states.into_iter().map(|state| format!("{} {}", sign(state), state.as_str())).collect();
    format!("{days} days, today last, the worst of each: {}", meanings.join(", "))
}

fn sign(state: DriftState) -> char {
    match state {
        DriftState::Match => '-',
        DriftState::NotLookedAt => '.',
        DriftState::MatchOnlyByBackup => 'b',
        DriftState::Stale => 'o',
        DriftState::Unreachable => 'u',
        DriftState::UnpinnedInCt => 'c',
        DriftState::SctPolicyUnmet => 'S',
        DriftState::AnotherRelease => 'R',
        DriftState::Mismatch => 'X',
        DriftState::UnexpectedIssuer => '!',
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pintle_api::DriftKind;

    #[test]
    fn every_day_has_its_worst_state() {
        let now = 1_800_000_000;
        let change = |vantage: &str, days_ago: u64, after| DriftChangeResponse {
            kind: DriftKind::Domain,
            subject: "a.example".into(),
            vantage: vantage.into(),
            at: now - days_ago * DAY_SECS,
            before: None,
            after,
            detail: String::new(),
            release: 1,
        };
        let changes = [
            change("server", 5, DriftState::Match),
            change("server", 3, DriftState::Mismatch),
            change("server", 2, DriftState::Match),
            change("office", 1, DriftState::Unreachable),
        ];
        let lines = draw(&changes, 7, UnixTime::from_secs(now));
        assert_eq!(lines["server"], "| --XX--|");
        assert_eq!(lines["office"], "|     uu|");
        assert_eq!(legend(&changes, 7), "7 days, today last, the worst of each: - match, u unreachable, X mismatch");
    }
}
