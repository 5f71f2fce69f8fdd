//! Dynamic certificate pinning for Rust apps: signed configurations are fetched, verified and kept, and every TLS
//! connection is decided by them.
//!
//! ```text
//! Pintle ─── tokio: fetches, persists, wakes                      feature `fetch`
//!   ├─ Client      reqwest, every connection pinned               feature `reqwest`
//!   ├─ PinnedTls   rustls configurations, one per generation      feature `rustls`
//!   └─ Engine      shared by threads: decides, tells listeners
//!        └─ Pinner    sans-I/O: what to fetch, what to believe
//!             └─ Snapshot ──► pintle_core::decide
//! ```
//!
//! What it does not do: it makes no decision of its own ([`pintle_core`] does) and signs nothing.
//!
//! # Example
//! ```no_run
//! # #[cfg(feature = "reqwest")]
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use pintle_sdk::Pintle;
//!
//! # let bundle = b"";
//! let pintle = Pintle::setup(bundle).await?; // bundle = include_bytes!("pintle.json")
//! let client = pintle.client()?;
//! let response = client.get("https://api.example.com/").send().await?;
//! # Ok(())
//! # }
//! ```
//!
//! With a server on this machine, whose URL is `http` (`pintle serve`): `Pintle::builder` and
//! `Builder::dangerous_allow_http_loopback`.
//!
//! hyper, tonic, tungstenite, ureq: the files of `recipes/`, explained in `docs/sdk/rust.md`. Any other stack:
//! [`Engine::check`] in a hook that cannot wait, `Pintle::check` in one that can. Without this crate's runtime: an
//! `Installation` (feature `disk`) on threads or a host language, with any HTTP client; below it the
//! [`Pinner`].
//!
//! # Features
//! - `reqwest` (default): `Client`.
//! - `fetch`: `Pintle`, the running handle, on tokio.
//! - `rustls`: `rustls::Verifier`, `rustls::PinnedTls`.
//! - `disk`: `disk::DiskStore`, `Installation`.
//! - `dangerous-test`: `TestClock`, for the tests of bindings. Never in what ships.

#[cfg(feature = "rustls")]
mod authorities;
#[cfg(feature = "reqwest")]
mod client;
#[cfg(feature = "disk")]
pub mod disk;
mod engine;
mod environment;
mod error;
mod event;
#[cfg(feature = "fetch")]
mod fetch;
mod generation;
#[cfg(feature = "disk")]
mod installation;
mod pinner;
#[cfg(feature = "fetch")]
mod pintle;
mod record;
#[cfg(feature = "disk")]
mod report;
#[cfg(feature = "rustls")]
pub mod rustls;
mod sct_memo;
#[cfg(feature = "fetch")]
mod show;
mod snapshot;
#[cfg(feature = "dangerous-test")]
mod test_clock;

#[cfg(feature = "rustls")]
pub use authorities::{Authorities, AuthoritiesError};
#[cfg(feature = "reqwest")]
pub use client::{Client, RequestBuilder};
pub use engine::{Engine, Listener};
#[cfg(feature = "fetch")]
pub use environment::Timer;
pub use environment::{Environment, Moment, SystemEnvironment};
pub use error::{FetchError, StoreError};
pub use event::{Event, Severity, Source, StorePart};
pub use generation::PerGeneration;
#[cfg(feature = "disk")]
pub use installation::{Fetcher, Installation, NotReady, Outstanding, Setup};
pub use pinner::{Action, Answer, Fed, Fetch, Options, Pinner};
#[cfg(feature = "fetch")]
pub use pintle::{Builder, Error, Pintle, Probe};
pub use record::{Memory, MemoryError, Record};
#[cfg(feature = "fetch")]
pub use show::fetch_certificate;
pub use snapshot::{Evidence, Snapshot};
#[cfg(feature = "dangerous-test")]
pub use test_clock::TestClock;

/// `User-Agent` of the SDK for `language` (P-9.3).
#[must_use]
pub fn user_agent(language: &str) -> String {
    format!("pintle-{language}/{} level/{}", env!("CARGO_PKG_VERSION"), pintle_core::PROTOCOL_LEVEL)
}
