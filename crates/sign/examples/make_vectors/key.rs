//! Keys that everybody knows.

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use p256::{
    SecretKey,
    pkcs8::{EncodePrivateKey, LineEnding},
};
use pintle_core::{PublicKey, crypto};
use pintle_sign::{Signer, SigningKey};

/// Every key of the vectors, by name.
fn names() -> Vec<String> {
    let named = [
        "signing",
        "second",
        "third",
        "fourth",
        "recovery",
        "thief",
        "foreign",
        "site",
        "site next",
        "other site",
        "ca root",
        "ca intermediate",
        "ca forger",
        "log a1",
        "log a2",
        "log b1",
        "log unknown",
    ];
    let numbered = (1..=33).map(|number| format!("chain {number}"));
    named.into_iter().map(str::to_owned).chain(numbered).collect()
}

/// The order of the group of P-256, big-endian (FIPS 186-5, SP 800-186 §3.2.1.3).
pub(crate) const ORDER: [u8; 32] = [
    0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xBC, 0xE6, 0xFA,
    0xAD, 0xA7, 0x17, 0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x51,
];

/// A key pair whose private half is SHA-256 of `pintle vectors: NAME`.
pub(crate) struct Key(SigningKey);

pub(crate) fn key(name: &str) -> Key {
    assert!(names().iter().any(|known| known == name), "{name} is not in the published list of keys");
    let pem = SecretKey::from_slice(&scalar(name)).unwrap().to_pkcs8_pem(LineEnding::LF).unwrap();
    Key(SigningKey::parse_pem(&pem, None).unwrap())
}

fn scalar(name: &str) -> [u8; 32] {
    crypto::sha256(format!("pintle vectors: {name}").as_bytes())
}

impl Key {
    pub(crate) fn public(&self) -> PublicKey {
        self.0.public_key()
    }

    pub(crate) fn spki(&self) -> Vec<u8> {
        self.public().spki_der().to_vec()
    }

    pub(crate) fn base64(&self) -> String {
        self.public().to_base64()
    }

    pub(crate) fn kid(&self) -> String {
        self.public().kid().to_string()
    }

    /// `r ‖ s`, deterministic (RFC 6979).
    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).unwrap()
    }
}

/// `keys.json`: all of them, private halves included.
pub(crate) fn to_file() -> (String, String) {
    let keys: Vec<_> = names()
        .iter()
        .map(|name| {
            let (private, key) = (url(&scalar(name)), key(name));
            let (public, kid) = (key.base64(), key.kid());
            format!(
                r#"  {{"name": "{name}", "private_key": "{private}", "kid": "{kid}",
   "public_key": "{public}"}}"#
            )
        })
        .collect();
    let about =
        "THESE PRIVATE KEYS ARE PUBLIC ON PURPOSE. Trust them nowhere. private_key: the scalar, big-endian, base64url.";
    ("keys.json".into(), format!("{{\n \"about\": \"{about}\",\n \"keys\": [\n{}\n ]\n}}\n", keys.join(",\n")))
}

pub(crate) fn url(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

pub(crate) fn standard(bytes: &[u8]) -> String {
    Base64::encode_string(bytes)
}
