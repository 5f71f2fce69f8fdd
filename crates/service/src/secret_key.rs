use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding};
use ring::{aead, hmac};
use zeroize::Zeroizing;

use crate::{ServiceError, random::make_random};

const KEY_BYTES: usize = 32;

/// The server's own key, which is not in the database: whoever steals that alone cannot tell what was protected with it.
#[derive(Clone)]
pub struct SecretKey(Zeroizing<[u8; KEY_BYTES]>);

impl SecretKey {
    /// A fresh key.
    ///
    /// # Errors
    /// [`ServiceError::Internal`] without randomness.
    pub fn make() -> Result<Self, ServiceError> {
        Ok(Self(Zeroizing::new(make_random()?)))
    }

    /// Reads what [`to_text`](Self::to_text) wrote; `None` for everything else.
    pub fn parse(text: &str) -> Option<Self> {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        let read = Base64UrlUnpadded::decode(text, &mut *key).ok()?;
        (read.len() == KEY_BYTES).then_some(Self(key))
    }

    /// 43 characters of URL-safe base64.
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(Base64UrlUnpadded::encode_string(&*self.0))
    }

    /// A keyed digest: the same for the same value, and nothing else without the key. `purpose` keeps uses apart.
    pub(crate) fn derive_tag(&self, purpose: &str, value: &str) -> String {
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &*self.0));
        context.update(purpose.as_bytes());
        context.update(&[0]);
        context.update(value.as_bytes());
        crate::hex::write_hex(context.sign().as_ref())
    }
}

impl SecretKey {
    /// Encrypts, so that only this key opens it again, for the same `purpose` and `owner`: nonce and ciphertext in base64.
    pub(crate) fn seal(&self, purpose: &str, owner: &str, plain: &[u8]) -> Result<String, ServiceError> {
        let nonce: [u8; aead::NONCE_LEN] = make_random()?;
        let mut sealed = plain.to_vec();
        self.derive_cipher(purpose)?
            .seal_in_place_append_tag(aead::Nonce::assume_unique_for_key(nonce), aead::Aad::from(owner), &mut sealed)
            .map_err(|_| ServiceError::Internal("a secret is sealed"))?;
        Ok(Base64UrlUnpadded::encode_string(&[&nonce[..], &sealed].concat()))
    }

    /// Decrypts what [`seal`](Self::seal) wrote.
    pub(crate) fn open(&self, purpose: &str, owner: &str, sealed: &str) -> Result<Zeroizing<Vec<u8>>, ServiceError> {
        let broken = || ServiceError::Internal("a sealed secret opens: is `secret_key` the one it was sealed with?");
        let mut text = Zeroizing::new(Base64UrlUnpadded::decode_vec(sealed).map_err(|_| broken())?);
        let (nonce, body) = text.split_at_mut_checked(aead::NONCE_LEN).ok_or_else(broken)?;
        let nonce = aead::Nonce::try_assume_unique_for_key(nonce).map_err(|_| broken())?;
        let plain = self.derive_cipher(purpose)?.open_in_place(nonce, aead::Aad::from(owner), body);
        Ok(Zeroizing::new(plain.map_err(|_| broken())?.to_vec()))
    }

    fn derive_cipher(&self, purpose: &str) -> Result<aead::LessSafeKey, ServiceError> {
        let context = hmac::Key::new(hmac::HMAC_SHA256, &*self.0);
        let key = hmac::sign(&context, format!("seal {purpose}").as_bytes());
        let key = aead::UnboundKey::new(&aead::AES_256_GCM, key.as_ref());
        Ok(aead::LessSafeKey::new(key.map_err(|_| ServiceError::Internal("a key of 32 bytes"))?))
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_what_it_sealed_for_the_same_purpose_and_owner_alone() {
        let key = SecretKey::make().unwrap();
        let sealed = key.seal("totp", "acc_1", b"secret").unwrap();
        assert_eq!(*key.open("totp", "acc_1", &sealed).unwrap(), b"secret");
        assert_ne!(sealed, key.seal("totp", "acc_1", b"secret").unwrap(), "a nonce of its own each time");
        assert!(key.open("totp", "acc_2", &sealed).is_err());
        assert!(key.open("other", "acc_1", &sealed).is_err());
        assert!(SecretKey::make().unwrap().open("totp", "acc_1", &sealed).is_err());
        assert!(key.open("totp", "acc_1", "AAAA").is_err());
    }

    #[test]
    fn survives_its_file_and_shows_nothing() {
        let key = SecretKey::make().unwrap();
        let again = SecretKey::parse(&key.to_text()).unwrap();
        assert_eq!(key.derive_tag("a", "b"), again.derive_tag("a", "b"));
        assert_ne!(key.derive_tag("a", "b"), key.derive_tag("b", "b"));
        assert_ne!(key.derive_tag("a", "b"), SecretKey::make().unwrap().derive_tag("a", "b"));
        assert_eq!(format!("{key:?}"), "SecretKey(..)");
        for text in ["", "short", key.to_text().get(1..).unwrap(), &format!("{}\n", *key.to_text())] {
            assert!(SecretKey::parse(text).is_none(), "{text}");
        }
    }
}
