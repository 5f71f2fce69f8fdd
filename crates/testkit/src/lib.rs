//! For tests only: everything an attacker, a server, a CDN or a clock may do to an app.
//!
//! Certificates true and forged ([`certificate`]).
//! Whatever cannot be set up panics: that is how a test fails.
#![expect(clippy::expect_used, reason = "test support: a panic is how a test fails")]

pub mod certificate;
