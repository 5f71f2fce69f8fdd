use pintle_core::der;
use rustls_pki_types::{CertificateDer, pem::PemObject};

/// Largest file read, in bytes: hundreds of certificates, far from what could fill memory.
pub const MAX_FILE_BYTES: usize = 1024 * 1024;

/// Why a file holds no usable certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// Above [`MAX_FILE_BYTES`].
    #[error("larger than {MAX_FILE_BYTES} bytes")]
    TooLarge,
    /// Neither one certificate in DER nor PEM.
    #[error("neither a certificate in DER nor a PEM file")]
    NeitherPemNorDer,
    /// PEM that is cut off or not base64.
    #[error("the PEM is damaged")]
    Pem,
    /// PEM with other things in it.
    #[error("a PEM file without a CERTIFICATE block")]
    NoCertificate,
    /// A CERTIFICATE block that holds something else.
    #[error("certificate {position} of the file is not an X.509 certificate in DER")]
    Certificate {
        /// Counted from 1.
        position: usize,
    },
}

/// The certificates of a file in their order: one in DER, or any number of PEM `CERTIFICATE` blocks (RFC 7468 §5) among
/// whatever else the file holds, which is ignored.
///
/// # Errors
/// [`FileError`]; one bad certificate fails the file.
pub fn parse_certificates(bytes: &[u8]) -> Result<Vec<Vec<u8>>, FileError> {
    if bytes.len() > MAX_FILE_BYTES {
        return Err(FileError::TooLarge);
    }
    if der::Certificate::parse(bytes).is_ok() {
        return Ok(vec![bytes.to_vec()]);
    }
    if !bytes.windows(11).any(|window| window == b"-----BEGIN ") {
        return Err(FileError::NeitherPemNorDer);
    }
    let certificates = CertificateDer::pem_slice_iter(bytes)
        .map(|certificate| certificate.map(|certificate| certificate.to_vec()).map_err(|_| FileError::Pem))
        .collect::<Result<Vec<_>, _>>()?;
    if certificates.is_empty() {
        return Err(FileError::NoCertificate);
    }
    match certificates.iter().position(|certificate| der::Certificate::parse(certificate).is_err()) {
        Some(index) => Err(FileError::Certificate { position: index + 1 }),
        None => Ok(certificates),
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
        for (input, expected) in [
            ("", FileError::NeitherPemNorDer),
            ("hello", FileError::NeitherPemNorDer),
            (key_alone.as_str(), FileError::NoCertificate),
            (not_a_certificate, FileError::Certificate { position: 1 }),
            (second_bad.as_str(), FileError::Certificate { position: 2 }),
            (cut_off, FileError::Pem),
        ] {
            assert_eq!(parse_certificates(input.as_bytes()), Err(expected), "{input}");
        }
        assert_eq!(parse_certificates(&vec![0; MAX_FILE_BYTES + 1]), Err(FileError::TooLarge));
    }
}
