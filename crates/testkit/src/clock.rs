//! Time that moves when told to.

use std::time::Duration;

use pintle_core::UnixTime;
use tokio::sync::watch;

/// Where [`FakeClock`] starts: 2026-09-21, a little after [`project`](crate::project)'s configurations were issued.
pub const START: UnixTime = UnixTime::from_secs(1_790_000_100);

/// A system clock and a monotonic one that move together, when told to.
#[derive(Debug)]
pub struct FakeClock {
    elapsed: watch::Sender<Duration>,
}

impl Default for FakeClock {
    fn default() -> Self {
        Self { elapsed: watch::Sender::new(Duration::ZERO) }
    }
}

impl FakeClock {
    /// The system clock.
    #[must_use]
    pub fn now(&self) -> UnixTime {
        START.saturating_add_secs(self.monotonic().as_secs())
    }

    /// The monotonic clock.
    #[must_use]
    pub fn monotonic(&self) -> Duration {
        *self.elapsed.borrow()
    }

    /// Lets time pass, and wakes whoever waits for it.
    pub fn advance(&self, by: Duration) {
        self.elapsed.send_modify(|elapsed| *elapsed += by);
    }

    /// Resolves once the monotonic clock has reached `until`.
    pub async fn sleep_until(&self, until: Duration) {
        self.elapsed.subscribe().wait_for(|elapsed| *elapsed >= until).await.expect("the clock lives");
    }
}
