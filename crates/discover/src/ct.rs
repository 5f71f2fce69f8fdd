//! What Certificate Transparency knows of a host: asked of those who read the logs ([`CtSource`]), or read in the logs themselves.

mod log;
mod search;

use pintle_core::{
    HostName, UnixTime,
    claims::{PinDigest, PinType},
    der,
};

pub use log::{LogProtocol, LogTail, ReadableLog, TreeHead, read_logs};
pub use search::{CtApi, CtSource, CtSourceError};

use crate::{CertificateFacts, WebError, limits::SEARCH_LIMIT};

/// A certificate that a log holds, or is said to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedCertificate {
    /// What it says.
    pub facts: CertificateFacts,
    /// Whether it is a precertificate: its key is that of the certificate, its bytes are not, so that only the pins of its
    /// key fit.
    pub is_precertificate: bool,
}

/// Why nobody could tell what the logs hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CtError {
    /// There was no usable answer.
    #[error(transparent)]
    Web(#[from] WebError),
    /// Not what it documents.
    #[error("{host} answers with something else than its documented {expected}")]
    Unreadable {
        /// Who was asked.
        host: String,
        /// Of which kind the answer should be.
        expected: &'static str,
    },
    /// What a log says is not what it signed.
    #[error("{log} cannot be believed: {what}")]
    Contradiction {
        /// What a list calls it.
        log: String,
        /// What does not fit.
        what: &'static str,
    },
    /// Answers came, but too slowly.
    #[error("{host} was still answering after {} seconds", SEARCH_LIMIT.as_secs())]
    TimedOut {
        /// Who was asked.
        host: String,
    },
}

/// Poison of precertificates, 1.3.6.1.4.1.11129.2.4.3 (RFC 6962 §3.1).
const OID_POISON: &[u8] = &[0x2B, 0x06, 0x01, 0x04, 0x01, 0xD6, 0x79, 0x02, 0x04, 0x03];

impl LoggedCertificate {
    /// The pin of one type, if it fits the certificate that apps get.
    #[must_use]
    pub fn pin(&self, kind: PinType) -> Option<PinDigest> {
        let is_of_key = matches!(kind, PinType::SpkiSha256 | PinType::SpkiSha512);
        self.facts.pin(kind).filter(|_| is_of_key || !self.is_precertificate)
    }

    /// What of an answer counts: a certificate for `host` that has not expired. A source may answer with anything.
    fn parse_for(certificate_der: &[u8], host: &HostName, now: UnixTime) -> Option<Self> {
        let certificate = der::Certificate::parse(certificate_der).ok()?;
        if !certificate.covers(host).ok()? || now > certificate.not_after() {
            return None;
        }
        let is_precertificate = certificate.extension(OID_POISON).ok()?.is_some();
        Some(Self { facts: CertificateFacts::parse(certificate_der).ok()?, is_precertificate })
    }
}

/// Newest first, and of a certificate and its precertificate the certificate.
#[must_use]
pub fn put_in_order(mut found: Vec<LoggedCertificate>) -> Vec<LoggedCertificate> {
    let identity = |logged: &LoggedCertificate| {
        let facts = &logged.facts;
        (std::cmp::Reverse(facts.not_before), facts.issuer.clone(), facts.serial.clone())
    };
    found.sort_by_key(|logged| (identity(logged), logged.is_precertificate));
    found.dedup_by(|later, earlier| {
        let is_pair = later.is_precertificate != earlier.is_precertificate && identity(later) == identity(earlier);
        is_pair || later == earlier
    });
    found
}
