//! A clock and chance of the caller's own, for `vectors/`. Not in what ships: the feature is off there.

use std::{path::PathBuf, sync::Arc};

pub(crate) use pintle_sdk::TestClock;
use pyo3::{prelude::*, pybacked::PyBackedBytes};

use crate::{Native, Options};

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
    report_to: Option<String>,
    http_loopback: bool,
    listener: Py<PyAny>,
    wake: Py<PyAny>,
    random: u64,
    now_secs: u64,
    monotonic_ms: u64,
) -> PyResult<Native> {
    let clock = Arc::new(TestClock::new(random, now_secs, monotonic_ms));
    let options =
        Options { bundle, seed, permissive, fetch_timeout, storage_dir, report_to, http_loopback, listener, wake };
    Ok(Native { installation: options.start(py, clock.clone())?, clock: Some(clock) })
}

/// Sets what those clocks say.
#[pyfunction]
pub(crate) fn dangerous_test_set_clock(native: &Native, now_secs: u64, monotonic_ms: u64) {
    if let Some(clock) = &native.clock {
        clock.set(now_secs, monotonic_ms);
    }
}
