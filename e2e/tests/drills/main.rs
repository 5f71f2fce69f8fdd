//! The bad day, with apps that go on connecting: a CDN fails, a key is rotated or stolen, a project is withdrawn or moved.
#![cfg(test)]

mod failover;
mod recovery;
mod rotation;
mod withdrawal;

use std::time::Duration;

/// How long a configuration is fresh unless it says otherwise (P-2.4).
const REFRESH: Duration = Duration::from_secs(600);
/// Between two forced refreshes of an app (P-4.11).
const MINUTE: Duration = Duration::from_secs(60);
