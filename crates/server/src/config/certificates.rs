use std::{fs, io, path::Path};

use pintle_service::guard::{CertificateDer, parse_certificates};

use super::options::Options;

/// The certificates of a PEM file.
///
/// # Errors
/// It cannot be read, or holds none; the message names it.
pub(crate) fn load_certificates(path: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let named = |kind, problem: String| io::Error::new(kind, format!("{}: {problem}", path.display()));
    let bytes = fs::read(path).map_err(|error| named(error.kind(), error.to_string()))?;
    let certificates =
        parse_certificates(&bytes).map_err(|error| named(io::ErrorKind::InvalidData, error.to_string()))?;
    Ok(certificates.into_iter().map(CertificateDer::from).collect())
}

/// Tells of a file that cannot be used before a server starts with it.
pub(super) fn check_certificates(options: &mut Options, code: &'static str, key: &str, path: &Path) {
    if let Err(error) = load_certificates(path) {
        let hint = "name a readable file of PEM certificates";
        options.report(code, key, &error.to_string(), hint);
    }
}
