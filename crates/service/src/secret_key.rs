use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding};
use ring::hmac;
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

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survives_its_file_and_shows_nothing() {
        let key = SecretKey::make().unwrap();
        let again = SecretKey::parse(&key.to_text()).unwrap();
        assert_eq!(key.derive_tag("a", "b"), again.derive_tag("a", "b"));
        assert_ne!(key.derive_tag("a", "b"), key.derive_tag("b", "b"));
        assert_ne!(key.derive_tag("a", "b"), SecretKey::make().unwrap().derive_tag("a", "b"));
        assert_eq!(format!("{key:?}"), "SecretKey(..)");
        for text in ["", "short", &key.to_text()[1..], &format!("{}\n", *key.to_text())] {
            assert!(SecretKey::parse(text).is_none(), "{text}");
        }
    }
}
