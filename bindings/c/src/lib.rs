//! Dynamic certificate pinning for C: what `include/pintle.h` declares.
//!
//! A thin edge over [`pintle_sdk::Installation`]: pointers become references, panics become `internal_error`, codes become
//! static strings. It has no rule of its own. Every function may be called from any thread at any time; one that gets a
//! null pointer where a value must be answers as its documentation says.
//!
//! The documentation of types and functions here is written for readers of the header.

mod check;
mod edge;
mod host;
mod options;
mod refresh;
#[cfg(feature = "dangerous-test")]
mod test_door;

use pintle_core::PROTOCOL_LEVEL;
use pintle_sdk::{Fetch, Installation, Outstanding, SystemEnvironment};
use std::{
    ffi::{CStr, c_char},
    sync::Arc,
};

#[cfg(feature = "dangerous-test")]
pub use crate::test_door::{pintle_dangerous_test_open, pintle_dangerous_test_set_clock};
pub use crate::{
    check::{PINTLE_ENTRY_BYTES, PintleDecision, PintleEvidence, PintleVerdict, pintle_check, pintle_generation},
    edge::{PintleBytes, pintle_code, pintle_last_message},
    host::{
        PintleAnswer, PintleEvent, PintleFetch, PintleFetcher, PintleListener, PintleRelease, PintleReply,
        PintleSeverity, pintle_reply,
    },
    options::PintleOptions,
    refresh::{pintle_answer, pintle_next, pintle_ready, pintle_reconfigure, pintle_refresh, pintle_set_mode},
};

use crate::{
    edge::{Failure, guard, say_code},
    host::FetchStrings,
};

/// Pinning for one project, running. Several live side by side, one per project.
pub struct Pintle {
    installation: Installation,
    outstanding: Outstanding<(Fetch, FetchStrings)>,
    #[cfg(feature = "dangerous-test")]
    clock: Option<Arc<test_door::TestClock>>,
}

/// Sets up pinning. Starts from what `storage_dir` keeps and from the seed; with a `fetch` function it refreshes in the
/// background from now on. It does not wait for the network: `pintle_ready` does.
///
/// Returns NULL and sets `*pintle`, or the code of the failure (`setup_invalid`) and sets `*pintle` to NULL.
///
/// # Safety
/// `options` and what it points to must be valid during the call, its `user_data` until `release` is called with it, and
/// its functions callable from any thread. `pintle` must be valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pintle_open(options: *const PintleOptions, pintle: *mut *mut Pintle) -> *const c_char {
    // SAFETY: the caller vouches for both, as this function's contract says.
    unsafe { open_in(options, pintle, Arc::new(SystemEnvironment::default())) }
}

/// # Safety
/// As [`pintle_open`].
unsafe fn open_in(
    options: *const PintleOptions,
    pintle: *mut *mut Pintle,
    environment: Arc<dyn pintle_sdk::Environment>,
) -> *const c_char {
    say_code(guard(|| {
        // SAFETY: the caller says that it is null or valid for a write.
        let place = unsafe { pintle.as_mut() }.ok_or(Failure::null("pintle"))?;
        *place = std::ptr::null_mut();
        // SAFETY: the caller says that it is null or valid, with all it points to.
        let (setup, host) = unsafe { options::read(options) }?;
        let listeners = host.listener().into_iter().collect();
        let installation = Installation::start(setup, environment, listeners, || ());
        if let Some(fetcher) = host.fetcher() {
            installation.spawn_refresher(fetcher).map_err(|error| Failure::internal(&error))?;
        }
        *place = Box::into_raw(Box::new(Pintle {
            installation,
            outstanding: Outstanding::default(),
            #[cfg(feature = "dangerous-test")]
            clock: None,
        }));
        Ok(())
    }))
}

/// Ends it. Returns at once; functions given in the options may still be running on other threads until `release` has been
/// called. NULL is fine.
///
/// # Safety
/// `pintle` comes from `pintle_open`, and nobody uses it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pintle_free(pintle: *mut Pintle) {
    if pintle.is_null() {
        return;
    }
    // A panic here has nobody to be told to.
    let _caught = guard(|| {
        // SAFETY: it was made by `Box::into_raw` in `pintle_open`, and the caller gives it up.
        drop(unsafe { Box::from_raw(pintle) });
        Ok(())
    });
}

/// The protocol level this library speaks (P-9.3).
#[unsafe(no_mangle)]
pub extern "C" fn pintle_protocol_level() -> u32 {
    PROTOCOL_LEVEL
}

/// The version of this library, as "0.1.0".
#[unsafe(no_mangle)]
pub extern "C" fn pintle_version() -> *const c_char {
    const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(version) => version,
        Err(_) => c"",
    };
    VERSION.as_ptr()
}
