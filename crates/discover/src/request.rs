use pintle_core::claims::{PinDigest, PinType};
use rustls::crypto::ring;
use x509_cert::{
    der::{AnyRef, Decode, Reader, SliceReader, asn1::BitStringRef, oid::AssociatedOid},
    ext::pkix::SubjectAltName,
    request::{CertReq, ExtensionReq},
};

use crate::{
    FileError,
    facts::{describe_key, display_name},
};

/// What a certificate signing request (PKCS#10, RFC 2986) says, and the pins of its key: what to pin before a certificate
/// exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningRequest {
    /// Subject, as RFC 4514 writes names.
    pub subject: String,
    /// DNS names and IP addresses that it asks for.
    pub names: Vec<String>,
    /// Kind of key, as `EC P-256` or `RSA 2048`.
    pub key: String,
    /// Pins of the key, of the two types that need no certificate.
    pub pins: Vec<PinDigest>,
}

impl SigningRequest {
    /// Reads one request in DER, and checks that its key signed it: then whoever made it holds the key, and no byte of the
    /// key was changed on the way.
    ///
    /// # Errors
    /// [`FileError::Request`], [`FileError::RequestSignature`].
    pub fn parse(request_der: &[u8]) -> Result<Self, FileError> {
        let request = CertReq::from_der(request_der).map_err(|_| FileError::Request)?;
        let parts = Parts::read(request_der).map_err(|_| FileError::Request)?;
        if !parts.is_signed_by_its_key() {
            return Err(FileError::RequestSignature);
        }
        Ok(Self {
            subject: request.info.subject.to_string(),
            names: requested_names(&request).ok_or(FileError::Request)?,
            key: describe_key(&request.info.public_key),
            pins: [PinType::SpkiSha256, PinType::SpkiSha512]
                .into_iter()
                .map(|kind| PinDigest::derive(kind, parts.spki, &[]))
                .collect(),
        })
    }

    /// The pin of one type; none for the types that need a certificate.
    #[must_use]
    pub fn pin(&self, kind: PinType) -> Option<PinDigest> {
        self.pins.iter().copied().find(|pin| pin.kind() == kind)
    }
}

/// The names of the extensionRequest attribute (RFC 2985 §5.4.2); nothing where one cannot be read.
fn requested_names(request: &CertReq) -> Option<Vec<String>> {
    let mut names = Vec::new();
    for attribute in request.info.attributes.iter().filter(|attribute| attribute.oid == ExtensionReq::OID) {
        for value in attribute.values.iter() {
            let asked: ExtensionReq = value.decode_as().ok()?;
            for extension in asked.0.iter().filter(|extension| extension.extn_id == SubjectAltName::OID) {
                let alternative = SubjectAltName::from_der(extension.extn_value.as_bytes()).ok()?;
                names.extend(alternative.0.iter().filter_map(display_name));
            }
        }
    }
    Some(names)
}

/// The bytes of a request as they lie in it, which are what is hashed and signed.
struct Parts<'a> {
    /// All of CertificationRequestInfo.
    info: &'a [u8],
    /// All of SubjectPublicKeyInfo.
    spki: &'a [u8],
    /// Contents of the AlgorithmIdentifier of the key.
    key_algorithm: &'a [u8],
    key: &'a [u8],
    /// Contents of the AlgorithmIdentifier of the signature.
    signature_algorithm: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Parts<'a> {
    fn read(request: &'a [u8]) -> Result<Self, x509_cert::der::Error> {
        let mut outer = open(request)?;
        let info = outer.tlv_bytes()?;
        let signature_algorithm = AnyRef::decode(&mut outer)?.value();
        let signature = BitStringRef::decode(&mut outer)?.raw_bytes();
        let mut fields = open(info)?;
        let (_version, _subject) = (fields.tlv_bytes()?, fields.tlv_bytes()?);
        let spki = fields.tlv_bytes()?;
        let mut key_fields = open(spki)?;
        let key_algorithm = AnyRef::decode(&mut key_fields)?.value();
        let key = BitStringRef::decode(&mut key_fields)?.raw_bytes();
        Ok(Self { info, spki, key_algorithm, key, signature_algorithm, signature })
    }

    fn is_signed_by_its_key(&self) -> bool {
        ring::default_provider().signature_verification_algorithms.all.iter().any(|algorithm| {
            algorithm.public_key_alg_id().as_ref() == self.key_algorithm
                && algorithm.signature_alg_id().as_ref() == self.signature_algorithm
                && algorithm.verify_signature(self.key, self.info, self.signature).is_ok()
        })
    }
}

fn open(sequence: &[u8]) -> Result<SliceReader<'_>, x509_cert::der::Error> {
    SliceReader::new(AnyRef::from_der(sequence)?.value())
}
