//! What the world shows: the certificates a TLS server presents ([`probe`]) or a file holds ([`parse_certificates`]), as
//! [`CertificateFacts`] with the pins each of them would have; and which Certificate Transparency logs a browser's list
//! vouches for ([`parse_log_list`]).
//!
//! ```text
//! host ──► probe ──────────────┐
//!                              ├──► DER chain ──► CertificateFacts (for people) + pins (for a draft)
//! file ──► parse_certificates ─┘
//! list ──► parse_log_list ───────► logs accepted, and logs left out with the reason
//! ```
//!
//! What it does not do: nothing here is trusted, judged or pinned. A probe accepts whatever certificate it is shown,
//! because looking is its purpose, and sends no byte of application data. It connects to any address a name resolves to,
//! so it must run where its user may connect anyhow; a server that probes for others needs address rules around it.
//!
//! # Example
//! ```
//! use pintle_discover::Endpoint;
//!
//! let endpoint = Endpoint::parse("API.example.com:8443")?;
//! assert_eq!(endpoint.to_string(), "api.example.com:8443");
//! # Ok::<(), pintle_discover::EndpointError>(())
//! ```

mod endpoint;
mod facts;
mod file;
mod log_list;
mod probe;

pub use endpoint::{DEFAULT_PORT, Endpoint, EndpointError};
pub use facts::{CertificateFacts, FactsError};
pub use file::{FileError, MAX_FILE_BYTES, parse_certificates};
pub use log_list::{LeftOutLog, LeftOutReason, ListedLog, LogList, LogListError, MAX_LOG_LIST_BYTES, parse_log_list};
pub use probe::{Presented, ProbeError, probe};
