//! Certificate Transparency logs that sign what they are asked to, and OCSP responses that carry their SCTs.

mod served;

use pintle_core::{UnixTime, claims::CtLog};
use pintle_sign::{Signer, SigningKey};
use rustls_pki_types::CertificateDer;

pub use served::{ServedLog, Submission, audit_path, consistency_proof, tree_hash};

/// A log with a fresh key.
pub struct Log {
    key: SigningKey,
    operator: String,
}

impl Log {
    /// Run by `operator`.
    #[must_use]
    pub fn new(operator: &str) -> Self {
        Self { key: SigningKey::generate().expect("a key"), operator: operator.to_owned() }
    }

    /// As a configuration holds it, without end.
    #[must_use]
    pub fn entry(&self) -> CtLog {
        CtLog::new(self.key.public_key(), self.operator.clone(), None)
    }

    /// An SCT for `certificate` as it is, not as a precertificate (RFC 6962 §3.2).
    #[must_use]
    pub fn sct(&self, certificate: &CertificateDer<'_>, at: UnixTime) -> Vec<u8> {
        let timestamp_millis = (at.as_secs() * 1000).to_be_bytes();
        let [.., high, middle, low] = certificate.len().to_be_bytes();
        let message = [&[0, 0], &timestamp_millis[..], &[0, 0, high, middle, low], certificate, &[0, 0]].concat();
        [&[0], &self.entry().id()[..], &timestamp_millis, &[0, 0], &self.sign(&message)].concat()
    }

    /// A `digitally-signed` struct of RFC 5246: ECDSA with SHA-256.
    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let signature = self.key.sign(message).expect("a signature");
        let (r, s) = signature.split_at(32);
        let signature = der(0x30, &[integer(r), integer(s)].concat());
        [&[4, 3], &u16_prefixed(&signature)[..]].concat()
    }
}

/// A SignedCertificateTimestampList (RFC 6962 §3.3).
#[must_use]
pub fn sct_list(scts: &[Vec<u8>]) -> Vec<u8> {
    u16_prefixed(&scts.iter().flat_map(|sct| u16_prefixed(sct)).collect::<Vec<_>>())
}

/// An OCSPResponse (RFC 6960 §4.2.1) that carries `sct_list` and says nothing true besides.
#[must_use]
pub fn ocsp_response(sct_list: &[u8]) -> Vec<u8> {
    const BASIC: &[u8] = &[0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01];
    const SCT_LIST: &[u8] = &[0x2B, 0x06, 0x01, 0x04, 0x01, 0xD6, 0x79, 0x02, 0x04, 0x05];
    let time = der(0x18, b"20270101000000Z");
    let value = der(0x04, &der(0x04, sct_list));
    let extensions = der(0xA1, &der(0x30, &der(0x30, &[der(0x06, SCT_LIST), value].concat())));
    let single = der(0x30, &[der(0x30, &[]), der(0x80, &[]), time.clone(), extensions].concat());
    let data = der(0x30, &[der(0xA2, &[]), time, der(0x30, &single)].concat());
    let basic = der(0x30, &[data, der(0x30, &[]), der(0x03, &[0])].concat());
    let bytes = der(0x30, &[der(0x06, BASIC), der(0x04, &basic)].concat());
    der(0x30, &[der(0x0A, &[0]), der(0xA0, &bytes)].concat())
}

fn u16_prefixed(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("fewer than 65,536 bytes");
    [&length.to_be_bytes()[..], bytes].concat()
}

fn integer(magnitude: &[u8]) -> Vec<u8> {
    let significant = magnitude.iter().position(|byte| *byte != 0).unwrap_or_default();
    let shortest = magnitude.get(significant..).unwrap_or_default();
    let sign = if shortest.first().is_some_and(|byte| *byte >= 0x80) { &[0][..] } else { &[] };
    der(0x02, &[sign, shortest].concat())
}

fn der(tag: u8, contents: &[u8]) -> Vec<u8> {
    let [.., high, low] = contents.len().to_be_bytes();
    match (high, low) {
        (0, short @ 0..0x80) => [&[tag, short], contents].concat(),
        (0, _) => [&[tag, 0x81, low], contents].concat(),
        _ => [&[tag, 0x82, high, low], contents].concat(),
    }
}
