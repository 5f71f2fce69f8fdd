use rustls::crypto::ring;
use x509_cert::der::{AnyRef, Decode, Error, Reader, SliceReader, asn1::BitStringRef};

/// What X.509 and PKCS#10 sign: a body, how it is signed, and the signature, byte for byte as they lie there.
pub(crate) struct Signed<'a> {
    /// All of the structure that is signed.
    pub(crate) body: &'a [u8],
    /// Contents of the AlgorithmIdentifier.
    algorithm: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Signed<'a> {
    pub(crate) fn read(der: &'a [u8]) -> Result<Self, Error> {
        let mut outer = open(der)?;
        let body = outer.tlv_bytes()?;
        let algorithm = AnyRef::decode(&mut outer)?.value();
        let signature = BitStringRef::decode(&mut outer)?.raw_bytes();
        Ok(Self { body, algorithm, signature })
    }

    /// Whether the key in a SubjectPublicKeyInfo made the signature, in a way that is supported.
    pub(crate) fn is_signed_by(&self, spki: &[u8]) -> bool {
        let Ok((key_algorithm, key)) = read_spki(spki) else { return false };
        ring::default_provider().signature_verification_algorithms.all.iter().any(|algorithm| {
            algorithm.public_key_alg_id().as_ref() == key_algorithm
                && algorithm.signature_alg_id().as_ref() == self.algorithm
                && algorithm.verify_signature(key, self.body, self.signature).is_ok()
        })
    }
}

fn read_spki(spki: &[u8]) -> Result<(&[u8], &[u8]), Error> {
    let mut fields = open(spki)?;
    let algorithm = AnyRef::decode(&mut fields)?.value();
    Ok((algorithm, BitStringRef::decode(&mut fields)?.raw_bytes()))
}

/// What is in a SEQUENCE.
pub(crate) fn open(sequence: &[u8]) -> Result<SliceReader<'_>, Error> {
    SliceReader::new(AnyRef::from_der(sequence)?.value())
}
