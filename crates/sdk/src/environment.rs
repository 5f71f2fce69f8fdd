#[cfg(feature = "fetch")]
use std::pin::Pin;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use pintle_core::UnixTime;

/// Clock and chance: the one place where an installation touches either. Tests put their own in.
pub trait Environment: Send + Sync + 'static {
    /// The system clock.
    fn now(&self) -> UnixTime;

    /// A clock that never goes back, from any origin. Should go on while the device sleeps, where it can.
    fn monotonic(&self) -> Duration;

    /// Eight unpredictable bytes.
    fn random(&self) -> u64;

    /// Both clocks at once.
    fn moment(&self) -> Moment {
        Moment { now: self.now(), monotonic: self.monotonic() }
    }
}

/// An [`Environment`] in which a task can wait.
#[cfg(feature = "fetch")]
pub trait Timer: Environment {
    /// Resolves once [`monotonic`](Environment::monotonic) has reached `until`.
    fn sleep_until(&self, until: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// An instant on both clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// The system clock: dates in files and certificates.
    pub now: UnixTime,
    /// The monotonic clock: every interval.
    pub monotonic: Duration,
}

/// The machine's clocks and the operating system's random bytes.
#[derive(Debug)]
pub struct SystemEnvironment {
    started: Instant,
}

impl Default for SystemEnvironment {
    fn default() -> Self {
        Self { started: Instant::now() }
    }
}

impl Environment for SystemEnvironment {
    fn now(&self) -> UnixTime {
        // A clock before 1970 is bounded by the time floor (P-3.12).
        UnixTime::from_secs(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs())
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }

    fn random(&self) -> u64 {
        // Without chance the draw is 0, which enforces whatever any installation enforces, and retries are not spread.
        getrandom::u64().unwrap_or(0)
    }
}

#[cfg(feature = "fetch")]
impl Timer for SystemEnvironment {
    fn sleep_until(&self, until: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(until.saturating_sub(self.monotonic())))
    }
}
