//! When sums of violations leave for a collector.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use pintle_core::{Decision, Root, root::BaseUrl};

use crate::{
    Action, Environment, Fetch,
    pinner::Errand,
    report::{Report, Tally},
};

///
const INTERVAL: Duration = Duration::from_secs(3600);
/// To the status of a collector.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Counts violations, and says when their sums are to be sent.
pub(super) struct Reporter {
    collector: BaseUrl,
    state: Mutex<State>,
}

/// Times are the monotonic clock's.
#[derive(Default)]
struct State {
    tally: Tally,
    /// When the next report leaves; none without anything to report.
    due: Option<Duration>,
    /// No report leaves before.
    earliest: Duration,
}

impl Reporter {
    pub(super) fn new(collector: BaseUrl) -> Self {
        Self { collector, state: Mutex::default() }
    }

    /// Counts a final decision, made by the release `version`. True if there is a report to send because of it, some time.
    pub(super) fn note(&self, decision: &Decision, version: Option<u64>, environment: &dyn Environment) -> bool {
        let mut state = self.state();
        if !state.tally.note(decision, version) || state.due.is_some() {
            return false;
        }
        // Installations that met the same thing at the same moment do not tell it at the same moment.
        let jitter = Duration::from_secs(environment.random() % INTERVAL.as_secs());
        state.due = Some((environment.monotonic() + jitter).max(state.earliest));
        true
    }

    /// The report to send, or when there will be one; `None` without anything to report.
    pub(super) fn poll(&self, root: &Arc<Root>, monotonic: Duration) -> Option<Action> {
        let mut state = self.state();
        let until = state.due?;
        if monotonic < until {
            return Some(Action::Idle { until });
        }
        state.due = None;
        state.earliest = monotonic + INTERVAL;
        let report = Report { tally: mem::take(&mut state.tally), root: root.clone() };
        Some(Action::Fetch(Fetch {
            url: self.collector.as_str().to_owned(),
            body: Some(report.to_json()),
            etag: None,
            no_cache: false,
            max_bytes: 0,
            timeout: TIMEOUT,
            errand: Errand::Report(report),
        }))
    }

    /// Joins what could not be sent with what was counted since.
    pub(super) fn put_back(&self, unsent: Tally) {
        let mut state = self.state();
        state.tally.put_back(unsent);
        state.due = Some(state.due.unwrap_or(state.earliest));
    }

    /// Another project is told nothing of what was counted for this one.
    pub(super) fn forget(&self) {
        let mut state = self.state();
        state.tally = Tally::default();
        state.due = None;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
