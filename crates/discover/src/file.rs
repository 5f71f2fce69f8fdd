mod pkcs12;
mod pkcs7;

use pintle_core::der;
use secrecy::SecretString;

use crate::SigningRequest;

/// Largest file read, in bytes: hundreds of certificates, far from what could fill memory.
pub const MAX_FILE_BYTES: usize = 1024 * 1024;

/// Largest PKCS#12 file read, in bytes: a key and its chain have a tenth. Whatever is in it may ask for much work.
const MAX_PFX_BYTES: usize = 64 * 1024;

/// What a file holds that can be pinned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileContents {
    /// Certificates in DER, as the file orders them; those of a PKCS#12 file that go with its private key, leaf first.
    Certificates(Vec<Vec<u8>>),
    /// A key that no certificate has yet.
    Request(SigningRequest),
}

/// Why a file holds nothing usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// Above [`MAX_FILE_BYTES`].
    #[error("larger than {MAX_FILE_BYTES} bytes")]
    TooLarge,
    /// None of the forms of a certificate.
    #[error("neither PEM nor a certificate, PKCS#7, PKCS#12 or signing request in DER")]
    UnknownForm,
    /// PEM that is cut off or not base64.
    #[error("the PEM is damaged")]
    Pem,
    /// PEM with other things in it.
    #[error("a PEM file without a CERTIFICATE, PKCS7 or CERTIFICATE REQUEST block")]
    NoCertificate,
    /// A certificate that is something else.
    #[error("certificate {position} of the file is not an X.509 certificate in DER")]
    Certificate {
        /// Counted from 1.
        position: usize,
    },
    /// PKCS#7 of another kind, or without certificates.
    #[error("not a PKCS#7 file with certificates (signed data)")]
    Pkcs7,
    /// PKCS#12 that is damaged, of a scheme not supported, or without certificates.
    #[error("a PKCS#12 file that cannot be read: damaged, without certificates, or protected in a way not supported")]
    Pkcs12,
    /// PKCS#12 above its own limit.
    #[error("a PKCS#12 file larger than {MAX_PFX_BYTES} bytes: give its certificates as PEM")]
    Pkcs12TooLarge,
    /// Another PKCS#12 file is being opened.
    #[error("another PKCS#12 file is being opened: try again in a moment, or give its certificates as PEM")]
    Busy,
    /// PKCS#12 that does not open without a password.
    #[error("the PKCS#12 file is protected by a password")]
    PasswordNeeded,
    /// PKCS#12 that another password opens.
    #[error("the password does not open the PKCS#12 file")]
    WrongPassword,
    /// Not PKCS#10.
    #[error("not a certificate signing request (PKCS#10)")]
    Request,
    /// A request whose key did not sign it, as far as we can tell.
    #[error("the signing request is not signed by its own key, or in a way that is not supported")]
    RequestSignature,
    /// Certificates where a signing request was wanted, or the other way round.
    #[error("it holds {found}")]
    OtherContents {
        /// What.
        found: &'static str,
    },
}

/// What a file holds: PEM (RFC 7468: `CERTIFICATE`, `PKCS7` and `CERTIFICATE REQUEST` blocks among whatever else, which is
/// ignored), or in DER a certificate, PKCS#7 (signed data, `.p7b`), PKCS#12 (`.p12`, `.pfx`) or PKCS#10 request. `password`
/// opens PKCS#12; nothing is kept of the private key inside.
///
/// # Errors
/// [`FileError`]; one bad certificate fails the file.
pub fn parse_file(bytes: &[u8], password: Option<&SecretString>) -> Result<FileContents, FileError> {
    if bytes.len() > MAX_FILE_BYTES {
        return Err(FileError::TooLarge);
    }
    if bytes.windows(BEGIN.len()).any(|window| window == BEGIN) {
        return parse_pem(bytes);
    }
    if der::Certificate::parse(bytes).is_ok() {
        return Ok(FileContents::Certificates(vec![bytes.to_vec()]));
    }
    if pkcs12::is_pfx(bytes) {
        return check(pkcs12::parse_certificates(bytes, password)?);
    }
    match pkcs7::parse_certificates(bytes) {
        Ok(certificates) => check(certificates),
        Err(_) => match SigningRequest::parse(bytes) {
            Ok(request) => Ok(FileContents::Request(request)),
            Err(FileError::Request) => Err(FileError::UnknownForm),
            Err(other) => Err(other),
        },
    }
}

/// The certificates of a file that needs no password; see [`parse_file`].
///
/// # Errors
/// [`FileError`], of a signing request too.
pub fn parse_certificates(bytes: &[u8]) -> Result<Vec<Vec<u8>>, FileError> {
    match parse_file(bytes, None)? {
        FileContents::Certificates(certificates) => Ok(certificates),
        FileContents::Request(_) => Err(FileError::OtherContents { found: "a signing request, no certificate" }),
    }
}

const BEGIN: &[u8] = b"-----BEGIN ";

fn parse_pem(bytes: &[u8]) -> Result<FileContents, FileError> {
    let blocks = pem::parse_many(bytes).map_err(|_| FileError::Pem)?;
    // Whatever does not end is passed over by the reader.
    if blocks.len() != bytes.windows(BEGIN.len()).filter(|window| *window == BEGIN).count() {
        return Err(FileError::Pem);
    }
    let mut certificates = Vec::new();
    for block in &blocks {
        match block.tag() {
            "CERTIFICATE" => certificates.push(block.contents().to_vec()),
            "PKCS7" | "CMS" => certificates.extend(pkcs7::parse_certificates(block.contents())?),
            _ => {}
        }
    }
    if !certificates.is_empty() {
        return check(certificates);
    }
    match blocks.iter().find(|block| matches!(block.tag(), "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST")) {
        Some(block) => SigningRequest::parse(block.contents()).map(FileContents::Request),
        None => Err(FileError::NoCertificate),
    }
}

fn check(certificates: Vec<Vec<u8>>) -> Result<FileContents, FileError> {
    match certificates.iter().position(|certificate| der::Certificate::parse(certificate).is_err()) {
        Some(index) => Err(FileError::Certificate { position: index + 1 }),
        None => Ok(FileContents::Certificates(certificates)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn make_certificate() -> rcgen::CertifiedKey<rcgen::KeyPair> {
        rcgen::generate_simple_self_signed(vec!["example.com".to_owned()]).unwrap()
    }

    #[test]
    fn reads_der_and_pem_alike_and_ignores_keys() {
        let made = make_certificate();
        let der = made.cert.der().to_vec();
        let pem = made.cert.pem();
        assert_eq!(parse_certificates(&der).unwrap(), std::slice::from_ref(&der));
        assert_eq!(parse_certificates(pem.as_bytes()).unwrap(), std::slice::from_ref(&der));
        let mixed = format!("{}{pem}\nnote\n{pem}", made.signing_key.serialize_pem());
        assert_eq!(parse_certificates(mixed.as_bytes()).unwrap(), [der.clone(), der]);
    }

    #[test]
    fn says_what_is_wrong_with_a_file() {
        let made = make_certificate();
        let key_alone = made.signing_key.serialize_pem();
        let not_a_certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let cut_off = "-----BEGIN CERTIFICATE-----\nAAAA\n";
        let second_bad = format!("{}{not_a_certificate}", made.cert.pem());
        let not_a_request = "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n";
        let not_pkcs7 = "-----BEGIN PKCS7-----\nMAA=\n-----END PKCS7-----\n";
        for (input, expected) in [
            ("", FileError::UnknownForm),
            ("hello", FileError::UnknownForm),
            (key_alone.as_str(), FileError::NoCertificate),
            (not_a_certificate, FileError::Certificate { position: 1 }),
            (second_bad.as_str(), FileError::Certificate { position: 2 }),
            (cut_off, FileError::Pem),
            (not_a_request, FileError::Request),
            (not_pkcs7, FileError::Pkcs7),
        ] {
            assert_eq!(parse_certificates(input.as_bytes()), Err(expected), "{input}");
        }
        assert_eq!(parse_certificates(&vec![0; MAX_FILE_BYTES + 1]), Err(FileError::TooLarge));
    }
}
