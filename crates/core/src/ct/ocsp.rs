//! The SCT list that a CA may put into an OCSP response (RFC 6962 §3.3, RFC 6960 §4.2.1).

use crate::der::{BIT_STRING, DerError, GENERALIZED_TIME, OCTET_STRING, OID, Reader, SEQUENCE};

/// SCT list in a SingleResponse, 1.3.6.1.4.1.11129.2.4.5 (RFC 6962 §3.3).
const OID_SCT_LIST: &[u8] = &[0x2B, 0x06, 0x01, 0x04, 0x01, 0xD6, 0x79, 0x02, 0x04, 0x05];
/// id-pkix-ocsp-basic, 1.3.6.1.5.5.7.48.1.1.
const OID_BASIC_RESPONSE: &[u8] = &[0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01];
const ENUMERATED: u8 = 0x0A;
const CONTEXT_0: u8 = 0xA0;
const CONTEXT_1: u8 = 0xA1;
const RESPONDER_TAGS: [u8; 2] = [0xA1, 0xA2];
/// `good`, `revoked` and `unknown` of CertStatus.
const STATUS_TAGS: [u8; 3] = [0x80, 0xA1, 0x82];

/// The SignedCertificateTimestampList in a stapled OCSPResponse (DER); `None` if it carries none, an error if it is
/// not well formed or carries two. Neither its signature nor what it says of the certificate is judged: an SCT is
/// signed by its log, over the certificate.
pub fn ocsp_sct_list(response: &[u8]) -> Result<Option<&[u8]>, DerError> {
    let mut outer = Reader(response).only(SEQUENCE)?;
    outer.read(ENUMERATED)?;
    let bytes = outer.read_optional(CONTEXT_0)?;
    outer.end()?;
    // An error response has no body.
    let Some(bytes) = bytes else {
        return Ok(None);
    };
    let mut typed = Reader(bytes.contents).only(SEQUENCE)?;
    let kind = typed.read(OID)?.contents;
    let body = typed.read(OCTET_STRING)?.contents;
    typed.end()?;
    if kind != OID_BASIC_RESPONSE {
        return Ok(None);
    }
    let mut basic = Reader(body).only(SEQUENCE)?;
    let data = basic.read(SEQUENCE)?.contents;
    basic.read(SEQUENCE)?;
    basic.read(BIT_STRING)?;
    basic.read_optional(CONTEXT_0)?;
    basic.end()?;
    find_in_response_data(Reader(data))
}

fn find_in_response_data(mut data: Reader<'_>) -> Result<Option<&[u8]>, DerError> {
    data.read_optional(CONTEXT_0)?;
    read_one_of(&mut data, &RESPONDER_TAGS)?;
    data.read(GENERALIZED_TIME)?;
    let mut responses = Reader(data.read(SEQUENCE)?.contents);
    data.read_optional(CONTEXT_1)?;
    data.end()?;
    let mut found = None;
    while !responses.0.is_empty() {
        let single = responses.read(SEQUENCE)?.contents;
        if let Some(list) = find_in_single_response(Reader(single))?
            && found.replace(list).is_some()
        {
            return Err(DerError);
        }
    }
    Ok(found)
}

fn find_in_single_response(mut single: Reader<'_>) -> Result<Option<&[u8]>, DerError> {
    single.read(SEQUENCE)?;
    read_one_of(&mut single, &STATUS_TAGS)?;
    single.read(GENERALIZED_TIME)?;
    single.read_optional(CONTEXT_0)?;
    let extensions = single.read_optional(CONTEXT_1)?;
    single.end()?;
    let Some(extensions) = extensions else {
        return Ok(None);
    };
    match Reader(extensions.contents).only(SEQUENCE)?.extension(OID_SCT_LIST)? {
        Some(value) => Ok(Some(Reader(value).only(OCTET_STRING)?.0)),
        None => Ok(None),
    }
}

fn read_one_of(reader: &mut Reader<'_>, tags: &[u8]) -> Result<(), DerError> {
    if tags.contains(&reader.read_any()?.tag) { Ok(()) } else { Err(DerError) }
}
