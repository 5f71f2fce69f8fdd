//! A clock and chance of the caller's own, for `vectors/`. Not in what ships: the feature is off there.

use std::{
    ffi::c_char,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use pintle_core::UnixTime;
use pintle_sdk::{Environment, Moment};

use crate::{Pintle, PintleOptions, open_in};

/// Clocks that say what they are told; every random number is the same.
#[derive(Debug)]
pub struct PintleTestClock {
    moment: Mutex<Moment>,
    random: u64,
}

impl PintleTestClock {
    /// With the random number that is given whenever one is asked for.
    #[must_use]
    pub fn new(random: u64) -> Arc<Self> {
        Arc::new(Self { moment: Mutex::default(), random })
    }
}

impl Environment for PintleTestClock {
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

/// Sets what the clocks say.
pub fn pintle_dangerous_test_set_clock(clock: &PintleTestClock, now_secs: u64, monotonic_ms: u64) {
    let moment = Moment { now: UnixTime::from_secs(now_secs), monotonic: Duration::from_millis(monotonic_ms) };
    *clock.moment.lock().unwrap_or_else(PoisonError::into_inner) = moment;
}

/// [`pintle_open`](crate::pintle_open) with clocks of the caller's own.
///
/// # Safety
/// As there.
pub unsafe fn pintle_dangerous_test_open(
    options: *const PintleOptions,
    clock: Arc<PintleTestClock>,
    pintle: *mut *mut Pintle,
) -> *const c_char {
    // SAFETY: the caller vouches for both.
    unsafe { open_in(options, pintle, clock) }
}
