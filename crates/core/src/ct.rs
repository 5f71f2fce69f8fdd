//! Certificate Transparency (section 6): SCTs of RFC 6962 and of static-ct logs, which differ only in what they put
//! into `extensions`.

mod ocsp;

use alloc::{collections::BTreeSet, vec::Vec};
use core::fmt;

use crate::{
    UnixTime, VerifiedConfig,
    claims::{CtLog, CtRequirement},
    crypto,
    der::{Certificate, DerError, EXTENSIONS, INTEGER, OCTET_STRING, Reader, SEQUENCE},
};

pub use ocsp::ocsp_sct_list;

/// Embedded SCT list, 1.3.6.1.4.1.11129.2.4.2 (RFC 6962 §3.3).
const OID_SCT_LIST: &[u8] = &[0x2B, 0x06, 0x01, 0x04, 0x01, 0xD6, 0x79, 0x02, 0x04, 0x02];

/// How old `ct_logs` may be before `verified` only reports, in seconds: 70 days (P-6.4).
pub const MAX_LIST_AGE_SECS: u64 = 70 * 86_400;
/// How far an SCT's time may lie ahead of `T`, in seconds (P-6.3).
pub const MAX_SCT_SKEW_SECS: u64 = 3600;

/// SCT lists that do not come with the certificate.
#[derive(Clone, Copy, Debug, Default)]
pub struct SctSources<'a> {
    /// From the TLS extension (RFC 6962 §3.3.1).
    pub from_tls: Option<&'a [u8]>,
    /// From a stapled OCSP response: see [`ocsp_sct_list`].
    pub from_ocsp: Option<&'a [u8]>,
}

/// Which SCTs were seen to be signed by their log (P-6.3). A fact about bytes, which no later configuration changes: time,
/// policy and the trusted logs are judged anew in every decision.
///
/// An implementation must return from [`holds`](Self::holds) only what [`remember`](Self::remember) was given, in the same
/// process. It may forget at any time, and must before a server that shows a new certificate each time fills the memory.
pub trait SctMemo: fmt::Debug {
    /// Whether this was remembered.
    fn holds(&self, signed_sct: &[u8; 32]) -> bool;
    /// Remembers it. `signed_sct` is a SHA-256 over log id, signature and all that was signed.
    fn remember(&self, signed_sct: [u8; 32]);
}

/// One signed certificate timestamp, not verified (RFC 6962 §3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnverifiedSct<'a> {
    /// Which log is said to have issued it.
    pub log_id: &'a [u8; 32],
    /// Milliseconds since 1970 UTC.
    pub timestamp_millis: u64,
    /// Taken into the signature as they stand.
    pub extensions: &'a [u8],
    signature: [u8; 64],
}

/// What an SCT was issued for (RFC 6962 §3.2).
#[derive(Clone, Copy, Debug)]
pub enum LogEntry<'a> {
    /// The certificate as it is.
    Certificate {
        /// Its DER.
        der: &'a [u8],
    },
    /// The precertificate that became the certificate.
    Precertificate {
        /// SHA-256 of the issuer's SubjectPublicKeyInfo; the issuer is the one of the *verified path*.
        issuer_key_hash: [u8; 32],
        /// Its TBSCertificate, from [`precertificate_tbs`].
        tbs: &'a [u8],
    },
}

/// The SCTs embedded in `certificate`; empty if it has none. One that is not understood is left out, a broken list
/// is an error.
pub fn embedded_scts<'a>(certificate: &Certificate<'a>) -> Result<Vec<UnverifiedSct<'a>>, DerError> {
    match certificate.extension(OID_SCT_LIST)? {
        Some(value) => parse_list(Reader(value).only(OCTET_STRING)?.0),
        None => Ok(Vec::new()),
    }
}

/// Parses a SignedCertificateTimestampList (RFC 6962 §3.3). SCTs of another version or with another kind of signature
/// than ECDSA with SHA-256 are left out: no trusted log issues them.
pub fn parse_list(list: &[u8]) -> Result<Vec<UnverifiedSct<'_>>, DerError> {
    let mut outer = Bytes(list);
    let mut rest = Bytes(outer.read_u16_prefixed()?);
    outer.end()?;
    let mut scts = Vec::new();
    while !rest.0.is_empty() {
        scts.extend(parse_sct(rest.read_u16_prefixed()?)?);
    }
    Ok(scts)
}

fn parse_sct(sct: &[u8]) -> Result<Option<UnverifiedSct<'_>>, DerError> {
    const VERSION_1: u8 = 0;
    const ECDSA_WITH_SHA256: [u8; 2] = [4, 3];
    let mut rest = Bytes(sct);
    let [version] = rest.read_array()?;
    if *version != VERSION_1 {
        return Ok(None);
    }
    let log_id = rest.read_array()?;
    let timestamp_millis = u64::from_be_bytes(*rest.read_array()?);
    let extensions = rest.read_u16_prefixed()?;
    let algorithm: &[u8; 2] = rest.read_array()?;
    let signature = rest.read_u16_prefixed()?;
    rest.end()?;
    if *algorithm != ECDSA_WITH_SHA256 {
        return Ok(None);
    }
    let Some(signature) = parse_ecdsa_signature(signature) else {
        return Ok(None);
    };
    Ok(Some(UnverifiedSct { log_id, timestamp_millis, extensions, signature }))
}

/// `r ‖ s` out of ECDSA-Sig-Value in DER (RFC 3279 §2.2.3).
fn parse_ecdsa_signature(der: &[u8]) -> Option<[u8; 64]> {
    let mut integers = Reader(der).only(SEQUENCE).ok()?;
    let mut signature = [0; 64];
    for half in signature.chunks_exact_mut(32) {
        let integer = integers.read(INTEGER).ok()?.contents;
        let magnitude = match integer {
            [0, rest @ ..] if rest.first().is_some_and(|byte| *byte >= 0x80) => rest,
            [first, ..] if (1..0x80).contains(first) => integer,
            _ => return None,
        };
        half.get_mut(32usize.checked_sub(magnitude.len())?..)?.copy_from_slice(magnitude);
    }
    integers.end().ok()?;
    Some(signature)
}

/// The TBSCertificate of the precertificate that became `certificate`: the same bytes without the embedded SCT list
/// (RFC 6962 §3.2), only the lengths around it written anew.
pub fn precertificate_tbs(certificate: &Certificate<'_>) -> Result<Vec<u8>, DerError> {
    let mut kept = Vec::new();
    for extension in certificate.extensions() {
        let extension = extension?;
        if extension.oid != OID_SCT_LIST {
            kept.extend_from_slice(extension.whole);
        }
    }
    let mut contents = certificate.before_extensions().to_vec();
    if !kept.is_empty() {
        contents.extend(encode(EXTENSIONS, &encode(SEQUENCE, &kept)));
    }
    Ok(encode(SEQUENCE, &contents))
}

fn encode(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = contents.len().to_be_bytes();
    let significant = length.iter().position(|byte| *byte != 0).and_then(|first| length.get(first..)).unwrap_or(&[0]);
    let mut out = Vec::with_capacity(contents.len() + 2 + significant.len());
    out.push(tag);
    match significant {
        [short @ 0..=0x7F] => out.push(*short),
        long => {
            out.push(0x80 | u8::try_from(long.len()).unwrap_or(0x7F));
            out.extend_from_slice(long);
        }
    }
    out.extend_from_slice(contents);
    out
}

impl UnverifiedSct<'_> {
    /// Whether `log` issued this SCT for `entry`.
    #[must_use]
    pub fn is_signed_by(&self, log: &CtLog, entry: LogEntry<'_>) -> bool {
        self.is_signed_by_remembering(log, entry, None)
    }

    fn is_signed_by_remembering(&self, log: &CtLog, entry: LogEntry<'_>, memo: Option<&dyn SctMemo>) -> bool {
        if self.log_id != log.id() {
            return false;
        }
        // The identity of the SCT: two parts of fixed length, then what was signed.
        let mut identity = [&self.log_id[..], &self.signature].concat();
        let signed_from = identity.len();
        self.append_signed_bytes(entry, &mut identity);
        let verifies = || identity.get(signed_from..).is_some_and(|signed| log.key().verifies(signed, &self.signature));
        let Some(memo) = memo else {
            return verifies();
        };
        let signed_sct = crypto::sha256(&identity);
        if memo.holds(&signed_sct) {
            return true;
        }
        let is_signed = verifies();
        if is_signed {
            memo.remember(signed_sct);
        }
        is_signed
    }

    /// `digitally-signed` of RFC 6962 §3.2.
    fn append_signed_bytes(&self, entry: LogEntry<'_>, signed: &mut Vec<u8>) {
        const VERSION_1: u8 = 0;
        const CERTIFICATE_TIMESTAMP: u8 = 0;
        signed.extend_from_slice(&[VERSION_1, CERTIFICATE_TIMESTAMP]);
        signed.extend_from_slice(&self.timestamp_millis.to_be_bytes());
        let body = match entry {
            LogEntry::Certificate { der } => {
                signed.extend_from_slice(&[0, 0]);
                der
            }
            LogEntry::Precertificate { issuer_key_hash, tbs } => {
                signed.extend_from_slice(&[0, 1]);
                signed.extend_from_slice(&issuer_key_hash);
                tbs
            }
        };
        // A certificate is bounded far below 2^24 by the limits of P-4.3.
        let [.., high, middle, low] = body.len().to_be_bytes();
        signed.extend_from_slice(&[high, middle, low]);
        signed.extend_from_slice(body);
        let [.., high, low] = self.extensions.len().to_be_bytes();
        signed.extend_from_slice(&[high, low]);
        signed.extend_from_slice(self.extensions);
    }
}

/// Whether the log list of `config` is too old at `t`: `verified` then only reports (P-6.4).
#[must_use]
pub fn is_list_stale(config: &VerifiedConfig, t: UnixTime) -> bool {
    config.claims().ct_logs_as_of.is_none_or(|as_of| t.secs_since(as_of) > MAX_LIST_AGE_SECS)
}

/// P-6.2: a consistency check; the issuing CA can satisfy it at will.
pub(crate) fn is_declared(requirement: &CtRequirement, leaf: &Certificate<'_>) -> bool {
    let (Some(logs), Ok(scts)) = (&requirement.logs, embedded_scts(leaf)) else {
        return false;
    };
    let named: BTreeSet<_> = scts.iter().map(|sct| sct.log_id).filter(|id| logs.contains(*id)).collect();
    named.len() as u64 >= requirement.min
}

/// P-6.3.
pub(crate) fn is_verified(
    requirement: &CtRequirement,
    config: &VerifiedConfig,
    leaf: &Certificate<'_>,
    issuer_spki: Option<&[u8]>,
    sources: &SctSources<'_>,
    memo: Option<&dyn SctMemo>,
    t: UnixTime,
) -> bool {
    let latest_millis = t.saturating_add_secs(MAX_SCT_SKEW_SECS).as_secs().saturating_mul(1000);
    let mut logs = BTreeSet::new();
    let mut operators = BTreeSet::new();
    let mut count = |scts: &[UnverifiedSct<'_>], entry: LogEntry<'_>| {
        for sct in scts.iter().filter(|sct| sct.timestamp_millis <= latest_millis) {
            let counts = |log: &&CtLog| {
                log.id() == sct.log_id
                    && requirement.logs.as_ref().is_none_or(|logs| logs.contains(log.id()))
                    && log
                        .usable_until()
                        .is_none_or(|until| sct.timestamp_millis <= until.as_secs().saturating_mul(1000))
            };
            if let Some(log) = config.claims().ct_logs.iter().find(counts)
                && !logs.contains(log.id())
                && sct.is_signed_by_remembering(log, entry, memo)
            {
                logs.insert(log.id());
                operators.insert(log.operator());
            }
        }
    };
    if let (Some(issuer_spki), Ok(scts), Ok(tbs)) = (issuer_spki, embedded_scts(leaf), precertificate_tbs(leaf)) {
        count(&scts, LogEntry::Precertificate { issuer_key_hash: crypto::sha256(issuer_spki), tbs: &tbs });
    }
    for list in [sources.from_tls, sources.from_ocsp].into_iter().flatten() {
        if let Ok(scts) = parse_list(list) {
            count(&scts, LogEntry::Certificate { der: leaf.der() });
        }
    }
    logs.len() as u64 >= requirement.min && operators.len() >= 2
}

/// What has not been read yet of a TLS presentation-language structure (RFC 8446 §3).
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn read_array<const N: usize>(&mut self) -> Result<&'a [u8; N], DerError> {
        let (array, rest) = self.0.split_first_chunk().ok_or(DerError)?;
        self.0 = rest;
        Ok(array)
    }

    fn read_u16_prefixed(&mut self) -> Result<&'a [u8], DerError> {
        let length = u16::from_be_bytes(*self.read_array()?);
        let (bytes, rest) = self.0.split_at_checked(usize::from(length)).ok_or(DerError)?;
        self.0 = rest;
        Ok(bytes)
    }

    fn end(self) -> Result<(), DerError> {
        if self.0.is_empty() { Ok(()) } else { Err(DerError) }
    }
}
