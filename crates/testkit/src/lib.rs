//! For tests only: everything an attacker, a server, a CDN or a clock may do to an app.
//!
//! - [`certificate`]: authorities, what they issue, what a forger would.
//! - [`project`]: keys, bundles and signed configurations.
//! - [`clock`]: time that moves when told to.
//! - [`site`]: an HTTPS server that counts what reaches it.
//! - [`cdn`]: an HTTP server that answers as badly as it is told to.
//!
//! Whatever cannot be set up panics: that is how a test fails.
#![expect(clippy::expect_used, reason = "test support: a panic is how a test fails")]

pub mod cdn;
pub mod certificate;
pub mod clock;
mod http;
pub mod project;
pub mod site;

pub use http::Request;
