//! The SDK against hostile CDNs, forged certificates, damaged stores and time.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests: a panic is how a test fails")]

mod clients;
mod ct;
mod disk;
mod installation;
mod pinner;
mod refresh;
mod report;
#[rustfmt::skip]
#[path = "../../../server/setup/app.rs"]
mod setup_page;
mod tls;

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use pintle_core::{Code, UnixTime};
use pintle_sdk::{Environment, Event, Timer};
use pintle_testkit::clock::FakeClock;

/// A fake clock, and chance that counts.
#[derive(Debug, Default)]
pub(crate) struct TestEnvironment {
    pub(crate) clock: FakeClock,
    count: AtomicU64,
    panics: AtomicBool,
}

impl TestEnvironment {
    pub(crate) fn panic_when_asked_for_the_time(&self) {
        self.panics.store(true, Ordering::Relaxed);
    }
}

impl Environment for TestEnvironment {
    fn now(&self) -> UnixTime {
        assert!(!self.panics.load(Ordering::Relaxed), "a panic in a hook");
        self.clock.now()
    }

    fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }

    fn random(&self) -> u64 {
        self.count.fetch_add(1, Ordering::Relaxed)
    }
}

impl Timer for TestEnvironment {
    fn sleep_until(&self, until: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.clock.sleep_until(until))
    }
}

/// Remembers every event.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recorder(Arc<Mutex<Vec<Event>>>);

impl Recorder {
    pub(crate) fn listener(&self) -> impl Fn(&Event) + Send + Sync + 'static {
        let events = self.0.clone();
        move |event| events.lock().unwrap().push(event.clone())
    }

    pub(crate) fn codes(&self) -> Vec<Code> {
        self.0.lock().unwrap().iter().filter_map(Event::code).collect()
    }

    pub(crate) fn any(&self, matches: impl Fn(&Event) -> bool) -> bool {
        self.0.lock().unwrap().iter().any(matches)
    }
}

/// That it compiles is the test.
#[test]
fn the_lines_of_the_set_up_page_are_a_program() {
    drop(setup_page::connect());
}
