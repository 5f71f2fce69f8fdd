use std::sync::{Mutex, TryLockError};

use p12_keystore::{KeyStore, KeyStoreEntry, Pkcs12Archive, Pkcs12ImportPolicy, error::Error};
use secrecy::{ExposeSecret, SecretString};
use x509_cert::der::{AnyRef, Decode, SliceReader};

use super::{FileError, MAX_PFX_BYTES};

/// Whether these are the bytes of a PFX (RFC 7292 §4): a SEQUENCE that begins with the INTEGER 3.
pub(super) fn is_pfx(bytes: &[u8]) -> bool {
    let version = AnyRef::from_der(bytes).and_then(|pfx| u8::decode(&mut SliceReader::new(pfx.value())?));
    version.is_ok_and(|version| version == 3)
}

/// One file at a time in a process: each bag of a file may ask for a million rounds or a gigabyte, as far as the library
/// goes, and a file has as many bags as fit.
static TURN: Mutex<()> = Mutex::new(());

/// The chain of the private key, or where there is none every certificate.
pub(super) fn parse_certificates(bytes: &[u8], password: Option<&SecretString>) -> Result<Vec<Vec<u8>>, FileError> {
    if bytes.len() > MAX_PFX_BYTES {
        return Err(FileError::Pkcs12TooLarge);
    }
    let _turn = match TURN.try_lock() {
        Ok(turn) => turn,
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(TryLockError::WouldBlock) => return Err(FileError::Busy),
    };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_takes_long_keeps_others_away_and_a_large_one_is_not_begun() {
        let pfx = b"\x30\x03\x02\x01\x03";
        assert!(is_pfx(pfx));
        assert_eq!(parse_certificates(pfx, None), Err(FileError::Pkcs12));
        let turn = TURN.lock().unwrap();
        assert_eq!(parse_certificates(pfx, None), Err(FileError::Busy));
        drop(turn);
        assert_eq!(parse_certificates(&[0; MAX_PFX_BYTES + 1], None), Err(FileError::Pkcs12TooLarge));
    }
}
