use std::time::{SystemTime, UNIX_EPOCH};

use pintle_core::UnixTime;

/// The one place where the server looks at the clock; everything below takes the time as an argument.
pub(crate) fn now() -> UnixTime {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixTime::from_secs(since_epoch.as_secs())
}
