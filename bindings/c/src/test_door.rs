//! A clock and chance of the caller's own, for `vectors/`. Not in what ships: the feature is off there.
//!
//! Swift's runner declares the two functions in `bindings/swift/Tests/CPintleDoor/door.h`.

use std::{ffi::c_char, sync::Arc};

pub(crate) use pintle_sdk::TestClock;

use crate::{Pintle, PintleOptions, open_in};

/// [`pintle_open`](crate::pintle_open) with clocks and a random number of the caller's own.
///
/// # Safety
/// As there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pintle_dangerous_test_open(
    options: *const PintleOptions,
    random: u64,
    now_secs: u64,
    monotonic_ms: u64,
    pintle: *mut *mut Pintle,
) -> *const c_char {
    let clock = Arc::new(TestClock::new(random, now_secs, monotonic_ms));
    // SAFETY: the caller vouches for both.
    let code = unsafe { open_in(options, pintle, clock.clone()) };
    // SAFETY: `pintle` is null or valid, and was set to null or to what nobody else has yet.
    if let Some(pintle) = unsafe { pintle.as_ref().and_then(|place| place.as_mut()) } {
        pintle.clock = Some(clock);
    }
    code
}

/// Sets what the clocks say.
///
/// # Safety
/// `pintle` comes from [`pintle_dangerous_test_open`] and is not freed during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pintle_dangerous_test_set_clock(pintle: *const Pintle, now_secs: u64, monotonic_ms: u64) {
    // SAFETY: null, or valid during the call as the caller says.
    if let Some(clock) = unsafe { pintle.as_ref() }.and_then(|pintle| pintle.clock.as_ref()) {
        clock.set(now_secs, monotonic_ms);
    }
}
