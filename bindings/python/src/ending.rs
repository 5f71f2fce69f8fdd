//! Leaving the interpreter's lock and coming back, until the interpreter ends.
//!
//! Before Python 3.14 a thread that asks for the lock while the interpreter ends is unwound by force. With a frame of Rust below it
//! that is a crash of the process. So no thread but the ending one asks any more: it sleeps, as it does by itself in Python 3.14.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread::{self, ThreadId},
    time::{Duration, Instant},
};

use pyo3::prelude::*;

/// How many threads ask for the lock or hold it with a frame of Rust below; and whether no other may.
static GATE: AtomicUsize = AtomicUsize::new(0);
const ENDED: usize = 1 << (usize::BITS - 1);
static ENDING: OnceLock<ThreadId> = OnceLock::new();
/// For what an app's listener does meanwhile.
const LONGEST: Duration = Duration::from_secs(1);

/// One thread that is counted.
struct Pass;

impl Pass {
    fn take() -> Option<Self> {
        let is_open = GATE.fetch_add(1, SeqCst) & ENDED == 0;
        let pass = Self;
        (is_open || ENDING.get() == Some(&thread::current().id())).then_some(pass)
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        GATE.fetch_sub(1, SeqCst);
    }
}

/// Does `work` without the lock.
pub(crate) fn detach<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> T {
    let (done, _pass) = py.detach(|| {
        let done = work();
        match Pass::take() {
            Some(pass) => (done, pass),
            None => loop {
                thread::park();
            },
        }
    });
    done
}

/// Does `work` with the lock, unless the interpreter ends.
pub(crate) fn attach<T>(work: impl FnOnce(Python<'_>) -> T) -> Option<T> {
    let _pass = Pass::take()?;
    Python::try_attach(work)
}

/// From now on no other thread comes back; those that do already are waited for, a second at most.
#[pyfunction]
pub(crate) fn end(py: Python<'_>) {
    let _first = ENDING.set(thread::current().id());
    GATE.fetch_or(ENDED, SeqCst);
    py.detach(|| {
        let deadline = Instant::now() + LONGEST;
        while GATE.load(SeqCst) != ENDED && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(1));
        }
    });
}
