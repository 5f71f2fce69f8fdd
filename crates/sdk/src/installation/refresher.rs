//! Threads that do what the pinner asks for, where nothing else drives it.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Weak},
    thread,
};

use super::{Inner, Installation, signal::Signal};
use crate::{Action, Answer, Fetch};

/// Makes one GET and comes back within its time-out. Called from several threads at once during a forced refresh.
pub type Fetcher = dyn Fn(&Fetch) -> Answer + Send + Sync;

impl Installation {
    /// Refreshes in the background for as long as a clone of this exists: one thread that waits, and one per fetch under
    /// way.
    pub fn spawn_refresher(&self, fetcher: Arc<Fetcher>) -> io::Result<()> {
        let (inner, signal) = (Arc::downgrade(&self.inner), self.inner.signal.clone());
        thread::Builder::new().name("pintle".to_owned()).spawn(move || run(&inner, &signal, &fetcher))?;
        Ok(())
    }
}

/// Runs until the last handle is gone. Holds none itself while it waits.
fn run(inner: &Weak<Inner>, signal: &Signal, fetcher: &Arc<Fetcher>) {
    loop {
        // Read before polling, so that no news is slept through.
        let seen = signal.seen();
        let Some(installation) = inner.upgrade().map(|inner| Installation { inner }) else { return };
        let until = loop {
            match installation.poll() {
                Action::Idle { until } => break until,
                Action::Fetch(fetch) => spawn_fetch(inner.clone(), fetcher.clone(), fetch),
            }
        };
        let longest = installation.wait_until(until);
        drop(installation);
        signal.wait_beyond(seen, longest);
    }
}

fn spawn_fetch(inner: Weak<Inner>, fetcher: Arc<Fetcher>, fetch: Fetch) {
    let run = move || {
        // A fetcher is the app's code. One that panics has lost its answer, which the pinner notices by time.
        let Ok(answer) = catch_unwind(AssertUnwindSafe(|| fetcher(&fetch))) else { return };
        if let Some(inner) = inner.upgrade() {
            let _judged = Installation { inner }.feed(&fetch, answer);
        }
    };
    // Without a thread the answer is lost, too.
    let _spawned = thread::Builder::new().name("pintle-fetch".to_owned()).spawn(run);
}
