//! Verified certificate paths, for pins.
//!
//! A server presents a pile of certificates; only a *path* proves anything: each certificate signed by the next, up to
//! an anchor that is trusted for a reason of its own (P-2.6). This crate makes such paths with `rustls-webpki` and hands
//! them, together with the platform's verdict, to a callback that ends in [`pintle_core::decide()`].
//!
//! - [`decide_by_roots`] builds paths to given roots itself and decides pins *inside* path building, so that
//!   cross-signed alternatives are tried before anything is refused.
//! - [`decide_by_proof`] takes a presented chain whose platform verdict is known, and lets a pinned CA certificate count
//!   only if the leaf chains to it cryptographically.
//!
//! "Any presented certificate matches" exists nowhere here: a forged leaf with the pinned intermediate appended would
//! pass it.
//!
//! It does no I/O, reads no clock and knows no revocation.
//!
//! # Example
//! ```
//! use pintle_core::{Decision, UnixTime};
//! use pintle_path::{Chain, Decide, Roots, decide_by_roots};
//!
//! /// `decide` builds a `pintle_core::Connection` out of what it is given, and calls `pintle_core::decide`.
//! fn decide_presented(chain: &Chain<'_>, roots: &Roots, now: UnixTime, decide: &Decide<'_>) -> Decision {
//!     decide_by_roots(chain, "api.example.com", roots, now, decide)
//! }
//! ```

mod proof;
mod roots;

use pintle_core::{Decision, UnixTime, decide::PathCertificate, decide::PlatformVerdict};
use rustls_pki_types::CertificateDer;

pub use proof::decide_by_proof;
pub use roots::{RootError, Roots, decide_by_roots};

/// Decides a connection given the platform's verdict and, if there is one, a verified path, leaf first.
pub type Decide<'d> = dyn Fn(PlatformVerdict, Option<&[PathCertificate<'_>]>) -> Decision + 'd;

/// What a server presented.
#[derive(Clone, Copy, Debug)]
pub struct Chain<'a> {
    /// Its own certificate.
    pub leaf: &'a CertificateDer<'a>,
    /// Everything else it sent, in any order, proving nothing by itself.
    pub intermediates: &'a [CertificateDer<'a>],
}

fn webpki_time(t: UnixTime) -> rustls_pki_types::UnixTime {
    rustls_pki_types::UnixTime::since_unix_epoch(std::time::Duration::from_secs(t.as_secs()))
}
