//! Logs that sign what they are told, and certificates and OCSP responses that carry it.

use pintle_core::crypto;

use crate::{
    configuration::NOW,
    der::{
        Certificate, San, bit_string, ecdsa_signature, extension, generalized_time, integer, name, oid, sequence,
        signature_algorithm, tlv,
    },
    key::key,
};

const OID_EMBEDDED: &[u8] = &[0x2B, 0x06, 0x01, 0x04, 0x01, 0xD6, 0x79, 0x02, 0x04, 0x02];
pub(crate) const OID_OCSP: &[u8] = &[0x2B, 0x06, 0x01, 0x04, 0x01, 0xD6, 0x79, 0x02, 0x04, 0x05];
pub(crate) const OID_BASIC: &[u8] = &[0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01];

/// An SCT (RFC 6962 §3.2), field by field, so that a case can break one.
pub(crate) struct Sct {
    pub(crate) version: u8,
    pub(crate) log_id: [u8; 32],
    pub(crate) millis: u64,
    pub(crate) extensions: Vec<u8>,
    pub(crate) algorithm: [u8; 2],
    pub(crate) signature: Vec<u8>,
}

/// What a log signs besides time and extensions.
pub(crate) enum Entry {
    /// A certificate.
    Certificate(Vec<u8>),
    /// The TBSCertificate without SCTs, and the key of its issuer.
    Precertificate(Vec<u8>, &'static str),
}

/// An SCT of the log with this key, a day old.
pub(crate) fn sct(log: &str, entry: &Entry) -> Sct {
    sct_at(log, entry, (NOW - 86_400) * 1000, &[])
}

pub(crate) fn sct_at(log: &str, entry: &Entry, millis: u64, extensions: &[u8]) -> Sct {
    let mut signed = vec![0, 0];
    signed.extend(millis.to_be_bytes());
    let body = match entry {
        Entry::Certificate(der) => {
            signed.extend([0, 0]);
            der
        }
        Entry::Precertificate(tbs, issuer) => {
            signed.extend([0, 1]);
            signed.extend(crypto::sha256(&key(issuer).spki()));
            tbs
        }
    };
    signed.extend(&u32::try_from(body.len()).unwrap().to_be_bytes()[1..]);
    signed.extend(body);
    signed.extend(prefixed(extensions));
    Sct {
        version: 0,
        log_id: log_id(log),
        millis,
        extensions: extensions.to_vec(),
        algorithm: [4, 3],
        signature: ecdsa_signature(&key(log).sign(&signed)),
    }
}

pub(crate) fn log_id(log: &str) -> [u8; 32] {
    crypto::sha256(&key(log).spki())
}

impl Sct {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut out = vec![self.version];
        out.extend(self.log_id);
        out.extend(self.millis.to_be_bytes());
        out.extend(prefixed(&self.extensions));
        out.extend(self.algorithm);
        out.extend(prefixed(&self.signature));
        out
    }
}

/// With its length as two bytes before it.
pub(crate) fn prefixed(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
}

/// A SignedCertificateTimestampList.
pub(crate) fn list(scts: &[Sct]) -> Vec<u8> {
    prefixed(&scts.iter().flat_map(|sct| prefixed(&sct.bytes())).collect::<Vec<_>>())
}

/// The site's certificate for `a.example`, and what its logs sign.
pub(crate) fn site() -> Certificate<'static> {
    Certificate::leaf(20, "site", &[San::Dns("a.example")])
}

/// The entry of [`site`] under its true issuer.
pub(crate) fn precertificate() -> Entry {
    Entry::Precertificate(site().tbs(), "ca intermediate")
}

/// [`site`] with these SCT lists embedded, after its other extensions.
pub(crate) fn site_with(lists: &[Vec<u8>]) -> Vec<u8> {
    let mut certificate = site();
    certificate.extensions.extend(lists.iter().map(|list| sct_extension(list)));
    certificate.build()
}

pub(crate) fn sct_extension(list: &[u8]) -> Vec<u8> {
    extension(OID_EMBEDDED, &tlv(0x04, list))
}

/// An OCSP response (RFC 6960 §4.2.1), field by field.
pub(crate) struct Ocsp {
    pub(crate) status: u8,
    pub(crate) kind: &'static [u8],
    pub(crate) responder: Vec<u8>,
    pub(crate) singles: Vec<Vec<u8>>,
    pub(crate) after: Vec<u8>,
    /// Behind the signature, and behind the body: where nothing, or certificates alone, may stand.
    pub(crate) after_signature: Vec<u8>,
    pub(crate) after_body: Vec<u8>,
}

impl Ocsp {
    pub(crate) fn new(singles: Vec<Vec<u8>>) -> Self {
        Self {
            status: 0,
            kind: OID_BASIC,
            responder: tlv(0xA2, &tlv(0x04, &[1; 20])),
            singles,
            after: vec![],
            after_signature: vec![],
            after_body: vec![],
        }
    }

    pub(crate) fn build(&self) -> Vec<u8> {
        let data = sequence(&[
            self.responder.clone(),
            generalized_time("20270115000000Z"),
            sequence(&self.singles),
            self.after.clone(),
        ]);
        let signature = ecdsa_signature(&key("ca intermediate").sign(&data));
        let basic = sequence(&[data, signature_algorithm(), bit_string(&signature), self.after_signature.clone()]);
        let typed = sequence(&[oid(self.kind), tlv(0x04, &basic), self.after_body.clone()]);
        sequence(&[tlv(0x0A, &[self.status]), tlv(0xA0, &typed)])
    }
}

/// A SingleResponse with these extensions, if any.
pub(crate) fn single(status: &[u8], extensions: Option<&[Vec<u8>]>) -> Vec<u8> {
    single_with(status, extensions, vec![])
}

/// A SingleResponse with `after` where nothing may stand.
pub(crate) fn single_with(status: &[u8], extensions: Option<&[Vec<u8>]>, after: Vec<u8>) -> Vec<u8> {
    let id = sequence(&[signature_algorithm(), tlv(0x04, &[1; 20]), tlv(0x04, &[2; 20]), integer(&[20])]);
    let extensions = extensions.map(|extensions| tlv(0xA1, &sequence(extensions))).unwrap_or_default();
    let next_update = tlv(0xA0, &generalized_time("20270122000000Z"));
    sequence(&[id, status.to_vec(), generalized_time("20270115000000Z"), next_update, extensions, after])
}

pub(crate) const GOOD: &[u8] = &[0x80, 0x00];

pub(crate) fn ocsp_extension(list: &[u8]) -> Vec<u8> {
    extension(OID_OCSP, &tlv(0x04, list))
}

/// A responder named instead of hashed.
pub(crate) fn responder_by_name() -> Vec<u8> {
    tlv(0xA1, &name("Pintle Test Responder"))
}
