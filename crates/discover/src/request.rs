use pintle_core::claims::{PinDigest, PinType};
use x509_cert::{
    der::{Decode, Reader, oid::AssociatedOid},
    ext::pkix::SubjectAltName,
    request::{CertReq, ExtensionReq},
};

use crate::{
    FileError,
    facts::{describe_key, display_name},
    signed::{Signed, open},
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
        let signed = Signed::read(request_der).map_err(|_| FileError::Request)?;
        let spki = spki_of(signed.body).map_err(|_| FileError::Request)?;
        if !signed.is_signed_by(spki) {
            return Err(FileError::RequestSignature);
        }
        Ok(Self {
            subject: request.info.subject.to_string(),
            names: requested_names(&request).ok_or(FileError::Request)?,
            key: describe_key(&request.info.public_key),
            pins: [PinType::SpkiSha256, PinType::SpkiSha512]
                .into_iter()
                .map(|kind| PinDigest::derive(kind, spki, &[]))
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

/// SubjectPublicKeyInfo of a CertificationRequestInfo, as it lies there.
fn spki_of(info: &[u8]) -> Result<&[u8], x509_cert::der::Error> {
    let mut fields = open(info)?;
    let (_version, _subject) = (fields.tlv_bytes()?, fields.tlv_bytes()?);
    fields.tlv_bytes()
}
