//! P-256 public keys as the protocol spells them.

use alloc::string::String;
use core::fmt;

use crate::{base64, crypto};

/// SubjectPublicKeyInfo of an uncompressed P-256 point, up to the point (RFC 5480 §2).
const SPKI_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE,
    0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
/// Length of the whole SubjectPublicKeyInfo in bytes (P-1.2).
pub const SPKI_LEN: usize = SPKI_PREFIX.len() + 65;

/// An ECDSA P-256 public key: an uncompressed SEC 1 point (P-1.2).
///
/// Whether the point lies on the curve shows when something is verified with it: nothing ever is if it does not.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 65]);

/// Why text or bytes are not a [`PublicKey`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Not one line of strict standard base64 of 91 bytes.
    #[error("not one line of base64 (with padding) of a 91-byte P-256 public key")]
    Base64,
    /// Base64 or DER of something else than an uncompressed P-256 SubjectPublicKeyInfo.
    #[error("not the DER SubjectPublicKeyInfo of an uncompressed P-256 point")]
    NotP256,
}

impl PublicKey {
    /// Parses one line of standard base64 of the 91-byte DER SubjectPublicKeyInfo (P-1.2).
    pub fn parse_base64(text: &str) -> Result<Self, KeyError> {
        let der: [u8; SPKI_LEN] = base64::parse_standard(text).ok_or(KeyError::Base64)?;
        Self::from_spki_der(&der)
    }

    /// Parses the 91-byte DER SubjectPublicKeyInfo.
    pub fn from_spki_der(der: &[u8]) -> Result<Self, KeyError> {
        match der.strip_prefix(&SPKI_PREFIX).map(<[u8; 65]>::try_from) {
            Some(Ok(point)) if point.starts_with(&[4]) => Ok(Self(point)),
            _ => Err(KeyError::NotP256),
        }
    }

    /// The 91-byte DER SubjectPublicKeyInfo.
    #[must_use]
    pub fn spki_der(&self) -> [u8; SPKI_LEN] {
        let mut der = [0; SPKI_LEN];
        let (prefix, point) = der.split_at_mut(SPKI_PREFIX.len());
        prefix.copy_from_slice(&SPKI_PREFIX);
        point.copy_from_slice(&self.0);
        der
    }

    /// One line of base64 of [`spki_der`](Self::spki_der), as `pintle.json` holds it.
    #[must_use]
    pub fn to_base64(&self) -> String {
        base64::to_standard(&self.spki_der())
    }

    /// The RFC 7638 thumbprint.
    #[must_use]
    pub fn kid(&self) -> KeyId {
        let (x, y) = self.0.split_at(33);
        let x = base64::to_url(x.get(1..).unwrap_or_default());
        let y = base64::to_url(y);
        let jwk = [r#"{"crv":"P-256","kty":"EC","x":""#, &x, r#"","y":""#, &y, r#""}"#].concat();
        KeyId(crypto::sha256(jwk.as_bytes()))
    }

    /// Whether `signature` (`r ‖ s`) is this key's ES256 signature over `message` (RFC 7518 §3.4).
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        crypto::verify_p256(&self.0, message, signature)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.kid())
    }
}

/// The RFC 7638 thumbprint (SHA-256) of a public key: the `kid` of P-2.2.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 32]);

impl KeyId {
    /// Parses 43 characters of base64url.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        base64::parse_url(text)?.try_into().ok().map(Self)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base64::to_url(&self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    const KEY: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==";

    #[test]
    fn reads_and_writes_the_one_spelling_of_a_key() {
        // The key of RFC 7515 A.3.
        assert_eq!(PublicKey::parse_base64(KEY).unwrap().to_base64(), KEY);
    }

    #[test]
    fn derives_the_rfc_7638_thumbprint() {
        // Of the key of RFC 7515 A.3; computed with Python's hashlib.
        let key = PublicKey::parse_base64(KEY).unwrap();
        assert_eq!(key.kid().to_string(), "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U");
        assert_eq!(KeyId::parse(&key.kid().to_string()), Some(key.kid()));
    }

    #[test]
    fn refuses_other_curves_compressed_points_and_other_lengths() {
        let der = PublicKey::parse_base64(KEY).unwrap().spki_der();
        let mut other_curve = der;
        other_curve[22] = 0x08;
        assert_eq!(PublicKey::from_spki_der(&other_curve), Err(KeyError::NotP256));
        let mut compressed = der;
        compressed[26] = 2;
        assert_eq!(PublicKey::from_spki_der(&compressed), Err(KeyError::NotP256));
        assert_eq!(PublicKey::from_spki_der(&der[..90]), Err(KeyError::NotP256));
        assert_eq!(PublicKey::parse_base64(&KEY.replace("==", "")), Err(KeyError::Base64));
        assert_eq!(PublicKey::parse_base64("!"), Err(KeyError::Base64));
    }
}
