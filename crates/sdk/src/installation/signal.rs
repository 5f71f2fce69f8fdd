use std::{
    sync::{Condvar, Mutex, PoisonError},
    time::Duration,
};

/// Counts what threads wait for; they look for themselves what it was.
#[derive(Debug, Default)]
pub(super) struct Signal {
    count: Mutex<u64>,
    raised: Condvar,
}

impl Signal {
    pub(super) fn raise(&self) {
        *self.count.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.raised.notify_all();
    }

    /// To be read before looking at what is waited for.
    pub(super) fn seen(&self) -> u64 {
        *self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until it was raised after `seen` was read, or `longest` has passed.
    pub(super) fn wait_beyond(&self, seen: u64, longest: Duration) {
        let count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever waits looks again; whether time or news ended it does not matter.
        let _woken = self.raised.wait_timeout_while(count, longest, |count| *count == seen);
    }
}
