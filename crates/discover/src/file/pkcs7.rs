use x509_cert::der::{AnyRef, Decode, Reader, SliceReader, Tag, TagNumber, asn1::ObjectIdentifier};

use super::FileError;

const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");

/// The certificates of signed data (RFC 5652 §5.1), in the file's order. Read by hand: pins hash the bytes as they lie in
/// the file, and a SET that is parsed and written again is another one.
pub(super) fn parse_certificates(bytes: &[u8]) -> Result<Vec<Vec<u8>>, FileError> {
    match read(bytes) {
        Ok(Some(certificates)) if !certificates.is_empty() => Ok(certificates),
        _ => Err(FileError::Pkcs7),
    }
}

fn read(bytes: &[u8]) -> Result<Option<Vec<Vec<u8>>>, x509_cert::der::Error> {
    let mut content_info = SliceReader::new(AnyRef::from_der(bytes)?.value())?;
    if ObjectIdentifier::decode(&mut content_info)? != SIGNED_DATA {
        return Ok(None);
    }
    let explicit = AnyRef::decode(&mut content_info)?;
    let mut signed_data = SliceReader::new(AnyRef::from_der(explicit.value())?.value())?;
    for _version_digests_and_content in 0..3 {
        AnyRef::decode(&mut signed_data)?;
    }
    let set = AnyRef::decode(&mut signed_data)?;
    if x509_cert::der::Tagged::tag(&set) != (Tag::ContextSpecific { constructed: true, number: TagNumber(0) }) {
        return Ok(None);
    }
    let mut set = SliceReader::new(set.value())?;
    let mut certificates = Vec::new();
    while !set.is_finished() {
        certificates.push(set.tlv_bytes()?.to_vec());
    }
    Ok(Some(certificates))
}
