//! The background task: does what the pinner asks for, persists what came of it.

use std::{
    mem,
    sync::{Arc, Weak},
};

use tokio::{sync::watch, task::JoinSet};

use super::{Runtime, off_the_runtime};
use crate::{Action, Answer, Fed, Fetch, fetch::Fetcher};

/// Runs until the last handle is gone. Holds none itself while it waits. Says in `completed` which refresh is over.
pub(super) async fn run(runtime: Weak<Runtime>, completed: watch::Sender<u64>) {
    let mut running: JoinSet<(Fetch, Answer)> = JoinSet::new();
    let mut round = 0;
    loop {
        let Some(strong) = runtime.upgrade() else { return };
        let until = loop {
            match strong.installation.poll() {
                Action::Idle { until } => break until,
                Action::Fetch(fetch) => {
                    let Some((its_round, _)) = fetch.refresh() else {
                        tokio::spawn(send_report(runtime.clone(), strong.fetcher.clone(), fetch));
                        continue;
                    };
                    if its_round != round {
                        // One refresh at a time: a forced one ends an ordinary one.
                        running.abort_all();
                        round = its_round;
                    }
                    let fetcher = strong.fetcher.clone();
                    running.spawn(async move {
                        let answer = fetcher.fetch(&fetch).await;
                        (fetch, answer)
                    });
                }
            }
        };
        let over = strong.installation.engine().completed_rounds();
        completed.send_if_modified(|known| mem::replace(known, over) != over);
        let (wake, timer) = (strong.wake.clone(), strong.timer.clone());
        drop(strong);
        tokio::select! {
            Some(joined) = running.join_next() => {
                // An error here is an aborted fetch.
                if let (Ok((fetch, answer)), Some(strong)) = (joined, runtime.upgrade()) {
                    strong.take_answer(&fetch, answer).await;
                }
            }
            () = timer.sleep_until(until) => {}
            () = wake.notified() => {}
        }
    }
}

/// No refresh ends it.
async fn send_report(runtime: Weak<Runtime>, fetcher: Fetcher, report: Fetch) {
    let answer = fetcher.fetch(&report).await;
    if let Some(strong) = runtime.upgrade() {
        let _sent_or_kept = strong.installation.feed(&report, answer);
    }
}

impl Runtime {
    async fn take_answer(self: &Arc<Self>, fetch: &Fetch, answer: Answer) {
        if !matches!(self.installation.engine().feed(fetch, answer), Fed::TooLate) {
            let installation = self.installation.clone();
            off_the_runtime(move || installation.persist()).await;
        }
    }
}
