//! What the world shows: the certificates a TLS server presents ([`Prober`]) or a file holds ([`parse_file`]), as
//! [`CertificateFacts`] with the pins each of them would have; and which Certificate Transparency logs a browser's list
//! vouches for ([`parse_log_list`]).
//!
//! ```text
//!                  AddressPolicy
//! host ──► resolve ──► judge ──► connect ──► DER chains ──► CertificateFacts (for people) + pins (for a draft)
//! file ──► parse_file ──────────────────────────┤
//! host ──► CtSource::search ─────────────────────┤
//! host ──► ReadableLog::read_newest ─────────────┤   (proved by the log's signature)
//! chain ─► IssuerFetcher::complete ──────────────┘   (only when asked)
//! host ──► CaaResolver::find ──────► which CAs may issue
//! list ──► parse_log_list ───────► logs accepted, and logs left out with the reason
//! ```
//!
//! What it does not do: nothing here is trusted, judged or pinned. A probe accepts whatever certificate it is shown,
//! because looking is its purpose, and sends no byte of application data. Where it may connect is the caller's word:
//! [`AddressPolicy::anywhere`] on a person's own machine, [`AddressPolicy::public`] on a server that looks for others.
//! Everything a stranger sends has a limit ([`limits`]).
//!
//! QUIC is not spoken: a server shows the same certificates over TCP, and a QUIC stack is larger than all of this.
//!
//! # Example
//! ```
//! use pintle_discover::Endpoint;
//!
//! let endpoint = Endpoint::parse("API.example.com:8443")?;
//! assert_eq!(endpoint.to_string(), "api.example.com:8443");
//! # Ok::<(), pintle_discover::EndpointError>(())
//! ```

mod caa;
mod connect;
mod ct;
mod endpoint;
mod facts;
mod failure;
mod file;
mod handshake;
mod issuer;
pub mod limits;
mod log_list;
mod policy;
mod probe;
mod request;
mod resolve;
mod signed;
mod start_tls;
mod web;

pub use caa::{CaaError, CaaRecord, CaaRecords, CaaResolver};
pub use connect::{Proxy, ProxyUrlError};
pub use ct::{
    CtApi, CtError, CtSource, CtSourceError, LogProtocol, LogTail, LoggedCertificate, ReadableLog, TreeHead,
    put_in_order, read_logs,
};
pub use endpoint::{DEFAULT_PORT, Endpoint, EndpointError};
pub use facts::{CertificateFacts, FactsError, SctFacts};
pub use failure::{IoFailure, ProbeError, ProbeFailure, SightError};
pub use file::{FileContents, FileError, MAX_FILE_BYTES, parse_certificates, parse_file};
pub use handshake::{Offer, Presented, TlsVersion};
pub use issuer::{Completion, FetchedIssuer, IssuerError, IssuerFailure, IssuerFetcher};
pub use log_list::{LeftOutLog, LeftOutReason, ListedLog, LogList, LogListError, MAX_LOG_LIST_BYTES, parse_log_list};
pub use policy::{AddressPolicy, DestinationError, PUBLIC_PORTS};
pub use probe::{Family, Prober, Sight, Survey};
pub use request::SigningRequest;
pub use resolve::{Resolve, SystemResolver};
pub use start_tls::StartTls;
pub use web::{WebClient, WebError};
