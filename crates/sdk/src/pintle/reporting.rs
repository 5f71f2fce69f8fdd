//! Sends sums of violations to a collector, now and then.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use pintle_core::{Decision, root::BaseUrl};
use tokio::sync::Notify;

use super::Runtime;
use crate::{Event, Tally, Timer};

///
const INTERVAL: Duration = Duration::from_secs(3600);

/// Counts from now on, and reports for as long as a handle exists.
pub(super) fn start(runtime: &Arc<Runtime>, url: BaseUrl) {
    let counter = Arc::new(Counter { state: Mutex::default(), counted: Notify::new(), timer: runtime.timer.clone() });
    let (weak, noted) = (Arc::downgrade(runtime), counter.clone());
    runtime.installation.engine().listen(move |event| {
        let (Event::Connection { decision, .. }, Some(strong)) = (event, weak.upgrade()) else { return };
        let snapshot = strong.installation.engine().snapshot();
        noted.note(decision, snapshot.config().map(|config| config.claims().version));
    });
    tokio::spawn(run(Arc::downgrade(runtime), counter, url));
}

/// What is counted between reports.
struct Counter {
    state: Mutex<State>,
    counted: Notify,
    timer: Arc<dyn Timer>,
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

impl Counter {
    fn note(&self, decision: &Decision, version: Option<u64>) {
        let mut state = self.state();
        if state.tally.note(decision, version) && state.due.is_none() {
            // Installations that met the same thing at the same moment do not tell it at the same moment.
            let jitter = Duration::from_secs(self.timer.random() % INTERVAL.as_secs());
            state.due = Some((self.timer.monotonic() + jitter).max(state.earliest));
            self.counted.notify_one();
        }
    }

    fn take(&self) -> Tally {
        let mut state = self.state();
        state.due = None;
        state.earliest = self.timer.monotonic() + INTERVAL;
        std::mem::take(&mut state.tally)
    }

    fn put_back(&self, unsent: Tally) {
        let mut state = self.state();
        state.tally.put_back(unsent);
        state.due = Some(state.due.unwrap_or(state.earliest));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Holds no handle while it waits.
async fn run(runtime: Weak<Runtime>, counter: Arc<Counter>, url: BaseUrl) {
    loop {
        let due = counter.state().due;
        let Some(due) = due else {
            counter.counted.notified().await;
            continue;
        };
        counter.timer.sleep_until(due).await;
        let Some(strong) = runtime.upgrade() else { return };
        let tally = counter.take();
        let report = tally.write(strong.installation.engine().snapshot().root());
        if let Err(error) = strong.fetcher.send_report(url.as_str(), report).await {
            tracing::info!(report.url = %url.as_str(), %error, "violations not reported; they go with the next report");
            counter.put_back(tally);
        }
    }
}
