//! A clock and chance of the caller's own, for `vectors/`. Not in what ships: the feature is off there.

use std::sync::Arc;

use napi::Result;
use napi_derive::napi;
pub(crate) use pintle_sdk::TestClock;

use crate::{Native, NativeOptions, start};

/// `Native` with clocks of the caller's own; `random` in hexadecimal.
#[napi]
pub fn dangerous_test_open(options: NativeOptions, random: String, now_secs: i64, monotonic_ms: i64) -> Result<Native> {
    let random = u64::from_str_radix(&random, 16).unwrap_or(0);
    let clock = Arc::new(TestClock::new(random, unsigned(now_secs), unsigned(monotonic_ms)));
    Ok(Native { clock: Some(clock.clone()), ..start(options, clock)? })
}

/// Sets what those clocks say.
#[napi]
pub fn dangerous_test_set_clock(native: &Native, now_secs: i64, monotonic_ms: i64) {
    if let Some(clock) = &native.clock {
        clock.set(unsigned(now_secs), unsigned(monotonic_ms));
    }
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
