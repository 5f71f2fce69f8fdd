//! The Pintle protocol: what a signed pin configuration means, and what it says about one TLS connection.
//!
//! `docs/spec/protocol.md` is normative; this crate implements it and nothing else decides. Code that
//! enforces a rule names it (`P-3.7`).
//!
//! ```text
//! bytes ──► verify(root, state, now) ──► VerifiedConfig ──► decide(connection, …, t) ──► Decision
//!              │ fails: ConfigError          (proof)             │
//!              └─ nothing stored                                 └─ allowed or refused, with a stable code
//! ```
//!
//! What it does not do: it reads no clock, file, network or environment, starts no thread, and builds no
//! certificate paths (`pintle-path` does). Time is an argument. It needs `alloc` but not `std`.
//!
//! # Example
//! ```
//! use pintle_core::{Code, State, UnixTime, root::Root, verify};
//!
//! let root = Root::parse_bundle(br#"{"organization":"acme","project":"app","urls":["https://cdn.example.com"],
//!   "public_key":"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ=="}"#)?;
//! let refused = verify(b"not a jws", &root, &State::default(), UnixTime::from_secs(1_800_000_000)).unwrap_err();
//! assert_eq!(refused.code(), Code::ConfigMalformed);
//! # Ok::<(), pintle_core::root::SetupError>(())
//! ```
//!
//! # Features
//! - `ring` (default): signatures and digests by *ring*; small and fast, needs a C compiler.
//! - `std` (default): base64 is decoded by vector instructions where the processor has them. Nothing else changes.
//! - `rustcrypto`: the same by `p256` and `sha2`, pure Rust. With both enabled *ring* is used.
#![no_std]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod base64;
pub mod claims;
mod code;
pub mod crypto;
pub mod ct;
pub mod decide;
pub mod der;
mod error;
mod index;
mod json;
mod jws;
pub mod key;
pub mod limits;
pub mod name;
pub mod root;
mod state;
pub mod succession;
mod time;
mod verify;

pub use code::Code;
pub use decide::{Connection, Decision, Installation, Mode, decide};
pub use error::{ConfigError, Malformed, MalformedReason, Unsupported};
pub use key::{KeyId, PublicKey};
pub use name::{HostName, Name};
pub use root::{OrganizationId, ProjectId, Root};
pub use state::{Floor, State};
pub use time::UnixTime;
pub use verify::{Accepted, VerifiedConfig, effective_time, verify};

/// The level of values and `needs` names this implementation understands (P-9.3).
pub const PROTOCOL_LEVEL: u32 = 1;
