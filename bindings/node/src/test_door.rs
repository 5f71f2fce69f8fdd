//! A clock and chance of the caller's own, for `vectors/`. Not in what ships: the feature is off there.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use napi::Result;
use napi_derive::napi;
use pintle_core::UnixTime;
use pintle_sdk::{Environment, Moment};

use crate::{Native, NativeOptions, start};

/// Clocks that say what they are told; every random number is the same.
#[derive(Debug)]
pub(crate) struct TestClock {
    moment: Mutex<Moment>,
    random: u64,
}

impl TestClock {
    fn set(&self, now_secs: i64, monotonic_ms: i64) {
        let (now, monotonic) = (u64::try_from(now_secs).unwrap_or(0), u64::try_from(monotonic_ms).unwrap_or(0));
        let moment = Moment { now: UnixTime::from_secs(now), monotonic: Duration::from_millis(monotonic) };
        *self.moment.lock().unwrap_or_else(PoisonError::into_inner) = moment;
    }
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

/// `Native` with clocks of the caller's own; `random` in hexadecimal.
#[napi]
pub fn dangerous_test_open(options: NativeOptions, random: String, now_secs: i64, monotonic_ms: i64) -> Result<Native> {
    let random = u64::from_str_radix(&random, 16).unwrap_or(0);
    let clock = Arc::new(TestClock { moment: Mutex::default(), random });
    clock.set(now_secs, monotonic_ms);
    Ok(Native { clock: Some(clock.clone()), ..start(options, clock)? })
}

/// Sets what those clocks say.
#[napi]
pub fn dangerous_test_set_clock(native: &Native, now_secs: i64, monotonic_ms: i64) {
    if let Some(clock) = &native.clock {
        clock.set(now_secs, monotonic_ms);
    }
}
