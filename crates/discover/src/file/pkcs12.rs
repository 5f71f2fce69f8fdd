use p12_keystore::{KeyStore, KeyStoreEntry, Pkcs12Archive, Pkcs12ImportPolicy, error::Error};
use secrecy::{ExposeSecret, SecretString};
use x509_cert::der::{AnyRef, Decode, SliceReader};

use super::FileError;

/// Whether these are the bytes of a PFX (RFC 7292 §4): a SEQUENCE that begins with the INTEGER 3.
pub(super) fn is_pfx(bytes: &[u8]) -> bool {
    let version = AnyRef::from_der(bytes).and_then(|pfx| u8::decode(&mut SliceReader::new(pfx.value())?));
    version.is_ok_and(|version| version == 3)
}

/// The chain of the private key, or where there is none every certificate. The number of rounds that a file may ask for is
/// bounded by the library.
pub(super) fn parse_certificates(bytes: &[u8], password: Option<&SecretString>) -> Result<Vec<Vec<u8>>, FileError> {
    let given = password.map(ExposeSecret::expose_secret).unwrap_or_default();
    let store = KeyStore::from_pkcs12(bytes, given, Pkcs12ImportPolicy::Relaxed).map_err(|error| match error {
        // The MAC fails before anything is decrypted; without a MAC, what was decrypted has no sense.
        Error::MacError(_) | Error::UnpadError | Error::Pkcs5Error(_) if password.is_none() => {
            FileError::PasswordNeeded
        }
        Error::MacError(_) | Error::UnpadError | Error::Pkcs5Error(_) => FileError::WrongPassword,
        _ => FileError::Pkcs12,
    })?;
    let chain = store.entries().find_map(|(_, entry)| match entry {
        KeyStoreEntry::PrivateKeyChain(chain) if !chain.certs().is_empty() => Some(chain.certs().to_vec()),
        _ => None,
    });
    let certificates = match chain {
        Some(chain) => chain,
        None => {
            let archive = Pkcs12Archive::from_pkcs12(bytes, given).map_err(|_| FileError::Pkcs12)?;
            archive.certs.into_iter().map(|bag| bag.cert).collect()
        }
    };
    match certificates.as_slice() {
        [] => Err(FileError::Pkcs12),
        found => Ok(found.iter().map(|certificate| certificate.as_der().to_vec()).collect()),
    }
}
