//! A clock and chance of the caller's own, for `vectors/`. Not in what ships: the feature is off there.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use pintle_core::UnixTime;
use pintle_sdk::{Environment, Moment};
use pyo3::{prelude::*, pybacked::PyBackedBytes};

use crate::{Native, Options};

/// Clocks that say what they are told; every random number is the same.
#[derive(Debug)]
pub(crate) struct TestClock {
    moment: Mutex<Moment>,
    random: u64,
}

impl TestClock {
    fn set(&self, now_secs: u64, monotonic_ms: u64) {
        let moment = Moment { now: UnixTime::from_secs(now_secs), monotonic: Duration::from_millis(monotonic_ms) };
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

/// `Native` with clocks of the caller's own.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "as `Native`, and the clock")]
pub(crate) fn dangerous_test_open(
    py: Python<'_>,
    bundle: PyBackedBytes,
    seed: Option<PyBackedBytes>,
    permissive: bool,
    fetch_timeout: f64,
    storage_dir: Option<PathBuf>,
    http_loopback: bool,
    listener: Py<PyAny>,
    wake: Py<PyAny>,
    random: u64,
    now_secs: u64,
    monotonic_ms: u64,
) -> PyResult<Native> {
    let clock = Arc::new(TestClock { moment: Mutex::default(), random });
    clock.set(now_secs, monotonic_ms);
    let options = Options { bundle, seed, permissive, fetch_timeout, storage_dir, http_loopback, listener, wake };
    Ok(Native { installation: options.start(py, clock.clone())?, clock: Some(clock) })
}

/// Sets what those clocks say.
#[pyfunction]
pub(crate) fn dangerous_test_set_clock(native: &Native, now_secs: u64, monotonic_ms: u64) {
    if let Some(clock) = &native.clock {
        clock.set(now_secs, monotonic_ms);
    }
}
