//! The apps' clocks and their chance.

use std::{
    pin::Pin,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use pintle_core::UnixTime;
use pintle_sdk::{Environment, Timer};
use tokio::sync::watch;

/// A clock that runs as this machine's does and can be put ahead: nobody waits ten minutes for what happens every ten minutes,
/// and how long something took is still how long it would have taken.
#[derive(Debug)]
pub struct DrillClock {
    started: Instant,
    skipped: watch::Sender<Duration>,
    chance: AtomicU64,
}

impl DrillClock {
    /// Whoever asks for chance first gets `chance`, the next one the number after it.
    #[must_use]
    pub fn with_chance(chance: u64) -> Self {
        Self { started: Instant::now(), skipped: watch::Sender::default(), chance: AtomicU64::new(chance) }
    }

    /// Puts it ahead.
    pub fn skip(&self, span: Duration) {
        self.skipped.send_modify(|skipped| *skipped += span);
    }
}

impl Environment for DrillClock {
    fn now(&self) -> UnixTime {
        let machine = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        UnixTime::from_secs((machine + *self.skipped.borrow()).as_secs())
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed() + *self.skipped.borrow()
    }

    fn random(&self) -> u64 {
        self.chance.fetch_add(1, Ordering::Relaxed)
    }
}

impl Timer for DrillClock {
    fn sleep_until(&self, until: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            let mut skipped = self.skipped.subscribe();
            loop {
                let left = until.saturating_sub(self.monotonic());
                if left.is_zero() {
                    return;
                }
                tokio::select! {
                    () = tokio::time::sleep(left) => {}
                    // It cannot fail: the sender lives as long as `self`.
                    _never_closed = skipped.changed() => {}
                }
            }
        })
    }
}
