use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use pintle_core::UnixTime;

use crate::{Environment, Moment};

/// Clocks that say what they are told, and chance that is always the same: what the bindings run `vectors/` with. Not in what
/// ships: the feature `dangerous-test` is off there.
#[derive(Debug)]
pub struct TestClock {
    moment: Mutex<Moment>,
    random: u64,
}

impl TestClock {
    /// Clocks that say `now_secs` since 1970 and `monotonic_ms`.
    #[must_use]
    pub fn new(random: u64, now_secs: u64, monotonic_ms: u64) -> Self {
        Self { moment: Mutex::new(moment(now_secs, monotonic_ms)), random }
    }

    /// Sets what they say.
    pub fn set(&self, now_secs: u64, monotonic_ms: u64) {
        *self.moment.lock().unwrap_or_else(PoisonError::into_inner) = moment(now_secs, monotonic_ms);
    }
}

fn moment(now_secs: u64, monotonic_ms: u64) -> Moment {
    Moment { now: UnixTime::from_secs(now_secs), monotonic: Duration::from_millis(monotonic_ms) }
}

impl Environment for TestClock {
    fn now(&self) -> UnixTime {
        self.moment().now
    }

    fn monotonic(&self) -> Duration {
        self.moment().monotonic
    }

    fn random(&self) -> u64 {
        self.random
    }

    fn moment(&self) -> Moment {
        *self.moment.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
