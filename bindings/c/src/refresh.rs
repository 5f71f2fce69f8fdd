//! Waiting for configurations, and driving the refresh machine by hand.

use std::{ffi::c_char, time::Duration};

use pintle_core::Code;
use pintle_sdk::{Action, Fed};

use crate::{
    Pintle,
    edge::{Failure, PintleBytes, guard, say_code},
    host::{FetchStrings, PintleAnswer, PintleFetch, read_answer},
    options::mode,
};

/// # Safety
/// NULL, or from `pintle_open` and not freed while the result lives.
unsafe fn read<'a>(pintle: *const Pintle) -> Result<&'a Pintle, Failure> {
    // SAFETY: as the caller says.
    unsafe { pintle.as_ref() }.ok_or(Failure::null("pintle"))
}

/// Waits until a configuration is in force: at once where one was kept or embedded, else until the first refresh is over or
/// `timeout_ms` have passed. Until then every connection is refused with `config_missing`.
///
/// Returns NULL, or why there is none (`fetch_failed`, or the code of a file that was refused).
///
/// # Safety
/// `pintle` comes from `pintle_open` and is not freed during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pintle_ready(pintle: *const Pintle, timeout_ms: u32) -> *const c_char {
    say_code(guard(|| {
        // SAFETY: as the caller says.
        let pintle = unsafe { read(pintle) }?;
        let ready = pintle.installation.wait_until_ready(Duration::from_millis(timeout_ms.into()));
        ready.map_err(|error| Failure::new(error.code(), &error))
    }))
}

/// Refreshes now and waits until that is over, or `timeout_ms` have passed.
///
/// Returns NULL, or why the refresh failed; the configuration in force stays.
///
/// # Safety
/// `pintle` comes from `pintle_open` and is not freed during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pintle_refresh(pintle: *const Pintle, timeout_ms: u32) -> *const c_char {
    say_code(guard(|| {
        // SAFETY: as the caller says.
        let pintle = unsafe { read(pintle) }?;
        let refreshed = pintle.installation.refresh(Duration::from_millis(timeout_ms.into()));
        refreshed.map_err(|error| Failure::new(error.code(), &error))
    }))
}

/// Takes up another project or key: everything from now on is decided by the root of `bundle`, for this process only, so
/// it is to be given again at each start. Waits for its configuration as `pintle_ready` does; with 0 it does not wait.
/// Whoever can change what is passed here decides what the app trusts.
///
/// Returns NULL, or the code of the failure; with `setup_invalid` nothing has changed.
///
/// # Safety
/// `pintle` comes from `pintle_open` and is not freed during the call; `bundle` is valid during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pintle_reconfigure(
    pintle: *const Pintle,
    bundle: PintleBytes,
    timeout_ms: u32,
) -> *const c_char {
    say_code(guard(|| {
        // SAFETY: as the caller says.
        let pintle = unsafe { read(pintle) }?;
        // SAFETY: as the caller says.
        let bundle = unsafe { bundle.read() }.ok_or(Failure::null("bundle"))?;
        let round = pintle.installation.reconfigure(bundle).map_err(|error| Failure::setup(&error))?;
        if timeout_ms == 0 {
            return Ok(());
        }
        let ready = pintle.installation.wait_for_configuration(round, Duration::from_millis(timeout_ms.into()));
        ready.map_err(|error| Failure::new(error.code(), &error))
    }))
}

/// Changes what happens to hosts without an entry, as `permissive` of the options.
///
/// Returns NULL, or `setup_invalid` for NULL.
///
/// # Safety
/// `pintle` comes from `pintle_open` and is not freed during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pintle_set_mode(pintle: *const Pintle, permissive: bool) -> *const c_char {
    say_code(guard(|| {
        // SAFETY: as the caller says.
        let pintle = unsafe { read(pintle) }?;
        pintle.installation.engine().update(|pinner| pinner.set_mode(mode(permissive)));
        Ok(())
    }))
}

/// For a caller without a `fetch` function. True: make `*fetch`, give what came of it to `pintle_answer`, and ask again at
/// once for more. False: nothing to fetch for `*wait_ms` milliseconds, or until an answer, a refresh or a check.
///
/// What `*fetch` points to is valid until it is answered, or sixteen later ones were asked for.
///
/// # Safety
/// `pintle` comes from `pintle_open` and is not freed during the call; `fetch` and `wait_ms` are valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pintle_next(pintle: *const Pintle, fetch: *mut PintleFetch, wait_ms: *mut u64) -> bool {
    let next = guard(|| {
        // SAFETY: as the caller says.
        let pintle = unsafe { read(pintle) }?;
        // SAFETY: null, or valid for a write, as the caller says.
        let (fetch, wait_ms) = unsafe { (fetch.as_mut(), wait_ms.as_mut()) };
        let (fetch, wait_ms) = (fetch.ok_or(Failure::null("fetch"))?, wait_ms.ok_or(Failure::null("wait_ms"))?);
        *wait_ms = 0;
        match pintle.installation.poll() {
            Action::Fetch(asked) => {
                let strings = FetchStrings::of(&asked);
                let as_c = strings.as_c(&asked);
                *fetch = PintleFetch { id: pintle.outstanding.hand_out((asked, strings)), ..as_c };
                Ok(true)
            }
            Action::Idle { until } => {
                let wait = pintle.installation.wait_until(until).as_millis();
                *wait_ms = u64::try_from(wait).unwrap_or(u64::MAX);
                Ok(false)
            }
        }
    });
    next.unwrap_or(false)
}

/// Gives what came of fetch `id`. Copies what it needs; the fetch's strings are gone afterwards.
///
/// Returns NULL where it was of use, else why not: the code of a file that was refused, or `fetch_failed`. An answer that
/// comes too late is of no use and no failure.
///
/// # Safety
/// `pintle` comes from `pintle_open` and is not freed during the call; `answer` is valid during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pintle_answer(pintle: *const Pintle, id: u64, answer: *const PintleAnswer) -> *const c_char {
    say_code(guard(|| {
        // SAFETY: as the caller says.
        let pintle = unsafe { read(pintle) }?;
        // SAFETY: as the caller says.
        let answer = unsafe { read_answer(answer) }?;
        let unknown = || Failure::new(Code::FetchFailed, &"no such fetch is under way");
        let (fetch, _) = pintle.outstanding.take_back(id).ok_or_else(unknown)?;
        match pintle.installation.feed(&fetch, answer) {
            Fed::Rejected(error) => Err(Failure::new(error.code(), &error)),
            Fed::Updated | Fed::Unchanged | Fed::TooLate => Ok(()),
        }
    }))
}
