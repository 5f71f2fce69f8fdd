//! Certificates, SCTs and OCSP responses by hand: every byte is chosen here, so a second run gives the same.

use crate::key::{Key, key};

pub(crate) const SEQUENCE: u8 = 0x30;
const OID_COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const OID_SAN: &[u8] = &[0x55, 0x1D, 0x11];
const OID_ECDSA_SHA256: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02];

pub(crate) fn tlv(tag: u8, contents: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match u16::try_from(contents.len()).unwrap() {
        short @ 0..=0x7F => out.push(short.to_be_bytes()[1]),
        byte @ 0x80..=0xFF => out.extend([0x81, byte.to_be_bytes()[1]]),
        long => {
            out.push(0x82);
            out.extend(long.to_be_bytes());
        }
    }
    out.extend_from_slice(contents);
    out
}

pub(crate) fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(SEQUENCE, &parts.concat())
}

pub(crate) fn oid(contents: &[u8]) -> Vec<u8> {
    tlv(0x06, contents)
}

/// An INTEGER from big-endian digits.
pub(crate) fn integer(digits: &[u8]) -> Vec<u8> {
    let first = digits.iter().position(|digit| *digit != 0).unwrap_or(digits.len() - 1);
    let digits = &digits[first..];
    if digits[0] >= 0x80 { tlv(0x02, &[&[0], digits].concat()) } else { tlv(0x02, digits) }
}

/// ECDSA-Sig-Value out of `r ‖ s`.
pub(crate) fn ecdsa_signature(signature: &[u8; 64]) -> Vec<u8> {
    sequence(&[integer(&signature[..32]), integer(&signature[32..])])
}

pub(crate) fn bit_string(contents: &[u8]) -> Vec<u8> {
    tlv(0x03, &[&[0], contents].concat())
}

pub(crate) fn signature_algorithm() -> Vec<u8> {
    sequence(&[oid(OID_ECDSA_SHA256)])
}

pub(crate) fn extension(id: &[u8], value: &[u8]) -> Vec<u8> {
    sequence(&[oid(id), tlv(0x04, value)])
}

pub(crate) fn name(common_name: &str) -> Vec<u8> {
    sequence(&[tlv(0x31, &sequence(&[oid(OID_COMMON_NAME), tlv(0x0C, common_name.as_bytes())]))])
}

pub(crate) enum San<'a> {
    Dns(&'a str),
    Ip(&'a [u8]),
    /// Any other GeneralName by its tag.
    Other(u8, &'a [u8]),
}

pub(crate) fn subject_alt_name(names: &[San<'_>]) -> Vec<u8> {
    let names: Vec<_> = names
        .iter()
        .map(|name| match name {
            San::Dns(name) => tlv(0x82, name.as_bytes()),
            San::Ip(address) => tlv(0x87, address),
            San::Other(tag, contents) => tlv(*tag, contents),
        })
        .collect();
    extension(OID_SAN, &sequence(&names))
}

/// What a certificate is made of; the fields that a case changes.
pub(crate) struct Certificate<'a> {
    pub(crate) serial: u8,
    pub(crate) issuer: &'a str,
    pub(crate) issuer_key: &'a str,
    pub(crate) subject: &'a str,
    pub(crate) spki: Vec<u8>,
    /// Two Time values, tags included.
    pub(crate) validity: Vec<Vec<u8>>,
    pub(crate) extensions: Vec<Vec<u8>>,
}

pub(crate) fn utc_time(text: &str) -> Vec<u8> {
    tlv(0x17, text.as_bytes())
}

pub(crate) fn generalized_time(text: &str) -> Vec<u8> {
    tlv(0x18, text.as_bytes())
}

impl<'a> Certificate<'a> {
    /// Valid from 2026-12-01 to 2027-12-01, for the key `subject_key`, by "Pintle Test CA".
    pub(crate) fn leaf(serial: u8, subject_key: &str, names: &[San<'_>]) -> Self {
        Self {
            serial,
            issuer: "Pintle Test Intermediate",
            issuer_key: "ca intermediate",
            subject: "pintle test site",
            spki: key(subject_key).spki(),
            validity: vec![utc_time("261201000000Z"), utc_time("271201000000Z")],
            extensions: vec![subject_alt_name(names)],
        }
    }

    pub(crate) fn authority(
        serial: u8,
        subject: &'a str,
        subject_key: &str,
        issuer: &'a str,
        issuer_key: &'a str,
    ) -> Self {
        // basicConstraints, CA.
        let constraints = extension(&[0x55, 0x1D, 0x13], &sequence(&[tlv(0x01, &[0xFF])]));
        Self { issuer, issuer_key, subject, extensions: vec![constraints], ..Self::leaf(serial, subject_key, &[]) }
    }

    pub(crate) fn tbs(&self) -> Vec<u8> {
        let mut parts = vec![
            tlv(0xA0, &integer(&[2])),
            integer(&[self.serial]),
            signature_algorithm(),
            name(self.issuer),
            sequence(&self.validity),
            name(self.subject),
            self.spki.clone(),
        ];
        if !self.extensions.is_empty() {
            parts.push(tlv(0xA3, &sequence(&self.extensions)));
        }
        sequence(&parts)
    }

    pub(crate) fn build(&self) -> Vec<u8> {
        sign_certificate(&key(self.issuer_key), &self.tbs())
    }
}

/// A certificate around any TBSCertificate.
pub(crate) fn sign_certificate(issuer_key: &Key, tbs: &[u8]) -> Vec<u8> {
    let signature = ecdsa_signature(&issuer_key.sign(tbs));
    sequence(&[tbs.to_vec(), signature_algorithm(), bit_string(&signature)])
}
