use std::net::{Ipv4Addr, Ipv6Addr};

use pintle_core::{
    UnixTime,
    claims::{PinDigest, PinType},
    ct::embedded_scts,
    der,
};
use x509_cert::{
    Certificate,
    der::{
        Decode, Header, SliceReader,
        asn1::{ObjectIdentifier, UintRef},
        oid::AssociatedOid,
    },
    ext::pkix::{AuthorityInfoAccessSyntax, BasicConstraints, SubjectAltName, name::GeneralName},
    spki::SubjectPublicKeyInfoOwned,
};

const CA_ISSUERS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.2");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// What a certificate says of itself, and the pins it would have. For people: nothing here is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFacts {
    /// Subject, as RFC 4514 writes names.
    pub subject: String,
    /// Issuer, as RFC 4514 writes names.
    pub issuer: String,
    /// Subject alternative names that can name a server: DNS names and IP addresses.
    pub names: Vec<String>,
    /// Start of the validity period.
    pub not_before: UnixTime,
    /// Last second of the validity period.
    pub not_after: UnixTime,
    /// Kind of key, as `EC P-256` or `RSA 2048`.
    pub key: String,
    /// Serial number, in hexadecimal.
    pub serial: String,
    /// Whether it may issue others (basic constraints).
    pub is_ca: bool,
    /// The SCTs embedded in it (RFC 6962 §3.3), unverified.
    pub scts: Vec<SctFacts>,
    /// Where it says that its issuer's certificate lies: `http` URLs (RFC 5280 §4.2.2.1).
    pub issuer_urls: Vec<String>,
    /// Its pins, one of each type in the order of [`PinType::ALL`].
    pub pins: Vec<PinDigest>,
}

/// What an SCT says: which log promised to publish the certificate, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SctFacts {
    /// SHA-256 of the log's key.
    pub log_id: [u8; 32],
    /// Milliseconds since 1970 UTC.
    pub timestamp_millis: u64,
}

/// Not an X.509 certificate whose facts can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a readable X.509 certificate")]
pub struct FactsError;

impl CertificateFacts {
    /// Reads one certificate in DER. The bytes that pins hash come from the strict walk of `pintle-core`, as in an app.
    ///
    /// # Errors
    /// [`FactsError`] when either reader refuses the bytes.
    pub fn parse(certificate_der: &[u8]) -> Result<Self, FactsError> {
        let walked = der::Certificate::parse(certificate_der).map_err(|_| FactsError)?;
        let certificate = Certificate::from_der(certificate_der).map_err(|_| FactsError)?;
        let tbs = certificate.tbs_certificate();
        let names = parse_extension::<SubjectAltName>(&certificate)?
            .map(|names| names.0.iter().filter_map(display_name).collect())
            .unwrap_or_default();
        let is_ca = parse_extension::<BasicConstraints>(&certificate)?.is_some_and(|constraints| constraints.ca);
        let scts = embedded_scts(&walked).unwrap_or_default();
        Ok(Self {
            subject: tbs.subject().to_string(),
            issuer: tbs.issuer().to_string(),
            names,
            not_before: walked.not_before(),
            not_after: walked.not_after(),
            key: describe_key(tbs.subject_public_key_info()),
            serial: hex(tbs.serial_number().as_bytes()),
            is_ca,
            scts: scts
                .iter()
                .map(|sct| SctFacts { log_id: *sct.log_id, timestamp_millis: sct.timestamp_millis })
                .collect(),
            issuer_urls: issuer_urls(&certificate)?,
            pins: PinType::ALL.iter().map(|&kind| PinDigest::derive(kind, walked.spki(), certificate_der)).collect(),
        })
    }

    /// The pin of one type.
    #[must_use]
    pub fn pin(&self, kind: PinType) -> Option<PinDigest> {
        self.pins.iter().copied().find(|pin| pin.kind() == kind)
    }
}

fn parse_extension<'a, T: Decode<'a> + AssociatedOid>(certificate: &'a Certificate) -> Result<Option<T>, FactsError> {
    let extensions = certificate.tbs_certificate().extensions().into_iter().flatten();
    let mut found = extensions.filter(|extension| extension.extn_id == T::OID);
    match (found.next(), found.next()) {
        (None, _) => Ok(None),
        (Some(extension), None) => T::from_der(extension.extn_value.as_bytes()).map(Some).map_err(|_| FactsError),
        (Some(_), Some(_)) => Err(FactsError),
    }
}

fn issuer_urls(certificate: &Certificate) -> Result<Vec<String>, FactsError> {
    let Some(access) = parse_extension::<AuthorityInfoAccessSyntax>(certificate)? else { return Ok(Vec::new()) };
    let issuers = access.0.iter().filter(|description| description.access_method == CA_ISSUERS);
    let urls = issuers.filter_map(|description| match &description.access_location {
        GeneralName::UniformResourceIdentifier(url) if url.as_str().starts_with("http://") => Some(url.to_string()),
        _ => None,
    });
    Ok(urls.collect())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn display_name(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(name.to_string()),
        GeneralName::IpAddress(octets) => {
            let octets = octets.as_bytes();
            let v4 = <[u8; 4]>::try_from(octets).map(|octets| Ipv4Addr::from(octets).to_string());
            v4.or_else(|_| <[u8; 16]>::try_from(octets).map(|octets| Ipv6Addr::from(octets).to_string())).ok()
        }
        _ => None,
    }
}

pub(crate) fn describe_key(spki: &SubjectPublicKeyInfoOwned) -> String {
    match spki.algorithm.oid {
        RSA => match spki.subject_public_key.as_bytes().and_then(rsa_modulus_bits) {
            Some(bits) => format!("RSA {bits}"),
            None => "RSA".to_owned(),
        },
        EC => match spki.algorithm.parameters.as_ref().and_then(|curve| curve.decode_as().ok()) {
            Some(P256) => "EC P-256".to_owned(),
            Some(P384) => "EC P-384".to_owned(),
            Some(P521) => "EC P-521".to_owned(),
            Some::<ObjectIdentifier>(curve) => format!("EC {curve}"),
            None => "EC".to_owned(),
        },
        ED25519 => "Ed25519".to_owned(),
        other => other.to_string(),
    }
}

/// Length of the modulus of an RSAPublicKey (RFC 8017 A.1.1).
fn rsa_modulus_bits(public_key: &[u8]) -> Option<usize> {
    let mut reader = SliceReader::new(public_key).ok()?;
    Header::decode(&mut reader).ok()?;
    let modulus = UintRef::decode(&mut reader).ok()?;
    let first = modulus.as_bytes().first()?;
    Some(modulus.as_bytes().len() * 8 - first.leading_zeros() as usize)
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, PKCS_ECDSA_P384_SHA384};

    use super::*;

    fn make_der(edit: impl FnOnce(&mut CertificateParams)) -> Vec<u8> {
        let mut params =
            CertificateParams::new(vec!["api.example.com".to_owned(), "192.0.2.7".to_owned(), "::1".to_owned()])
                .unwrap();
        edit(&mut params);
        params.self_signed(&KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap()).unwrap().der().to_vec()
    }

    #[test]
    fn tells_what_a_certificate_says() {
        let der = make_der(|params| {
            params.distinguished_name.push(DnType::CommonName, "An API");
            params.not_before = rcgen::date_time_ymd(2026, 1, 2);
            params.not_after = rcgen::date_time_ymd(2027, 1, 2);
        });
        let facts = CertificateFacts::parse(&der).unwrap();
        assert!(facts.subject.contains("CN=An API"), "{}", facts.subject);
        assert_eq!(facts.names, ["api.example.com", "192.0.2.7", "::1"]);
        assert_eq!(facts.not_before, UnixTime::from_secs(1_767_312_000));
        assert_eq!(facts.not_after.secs_since(facts.not_before), 365 * 86_400);
        assert_eq!(facts.key, "EC P-384");
        assert!(!facts.is_ca);
    }

    #[test]
    fn knows_a_certificate_that_may_issue() {
        let der = make_der(|params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
        assert!(CertificateFacts::parse(&der).unwrap().is_ca);
    }

    #[test]
    fn derives_all_four_pins() {
        let der = make_der(|_| {});
        let facts = CertificateFacts::parse(&der).unwrap();
        let kinds: Vec<_> = facts.pins.iter().map(PinDigest::kind).collect();
        assert_eq!(kinds, PinType::ALL);
        let spki = der::Certificate::parse(&der).unwrap().spki().to_vec();
        for &kind in PinType::ALL {
            assert_eq!(facts.pin(kind), Some(PinDigest::derive(kind, &spki, &der)));
        }
    }

    #[test]
    fn measures_an_rsa_modulus_in_bits() {
        // SEQUENCE { INTEGER 0x00FF..FF (128 bytes), INTEGER 65537 }
        let mut key = vec![0x30, 0x81, 0x89, 0x02, 0x81, 0x81, 0x00];
        key.extend([0xFF; 128]);
        key.extend([0x02, 0x03, 0x01, 0x00, 0x01]);
        assert_eq!(rsa_modulus_bits(&key), Some(1024));
        assert_eq!(rsa_modulus_bits(b"not a key"), None);
    }

    #[test]
    fn refuses_bytes_that_are_no_certificate() {
        let der = make_der(|_| {});
        assert_eq!(CertificateFacts::parse(&der[..der.len() - 1]), Err(FactsError));
        assert_eq!(CertificateFacts::parse(b""), Err(FactsError));
    }
}
