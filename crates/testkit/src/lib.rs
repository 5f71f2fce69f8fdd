//! For tests only: everything an attacker, a server, a CDN or a clock may do to an app.
//!
//! - `authenticator` (feature of that name): passkeys, and the browser before them.
//! - [`certificate`]: authorities, what they issue, what a forger would.
//! - [`project`]: keys, bundles and signed configurations.
//! - [`clock`]: time that moves when told to.
//! - [`clouds`]: object stores that answer like those of the clouds.
//! - [`ct`]: Certificate Transparency logs, and OCSP responses that carry their SCTs.
//! - [`database`]: SQLite or PostgreSQL, as the environment says.
//! - [`disk`]: disks that are full or read-only.
//! - [`gauntlet`]: what every SDK must do with every HTTP client.
//! - [`postgres`]: a real PostgreSQL, with a database for each test.
//! - [`site`]: an HTTPS server that counts what reaches it.
//! - [`cdn`]: an HTTP server that answers as badly as it is told to.
//! - [`web`]: a web service with the answers it is told to give.
//! - [`vectors`]: the language-neutral cases that every implementation must pass.
//!
//! Whatever cannot be set up panics: that is how a test fails.
#![expect(clippy::expect_used, clippy::panic, reason = "test support: a panic is how a test fails")]

#[cfg(feature = "authenticator")]
pub mod authenticator;
#[cfg(feature = "world")]
pub mod cdn;
#[cfg(feature = "world")]
pub mod certificate;
#[cfg(feature = "world")]
pub mod clock;
pub mod clouds;
#[cfg(feature = "world")]
pub mod ct;
pub mod database;
pub mod disk;
#[cfg(feature = "world")]
pub mod gauntlet;
#[cfg(feature = "world")]
mod http;
pub mod postgres;
#[cfg(feature = "world")]
pub mod project;
#[cfg(feature = "world")]
pub mod site;
pub mod vectors;
#[cfg(feature = "world")]
pub mod web;

#[cfg(feature = "world")]
pub use http::Request;
