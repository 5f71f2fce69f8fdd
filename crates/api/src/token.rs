use std::fmt;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

const MARK: &str = "pintle_";
const SECRET_DIGITS: usize = 64;
const CHECKSUM_DIGITS: usize = 8;
const PREFIX_DIGITS: usize = 12;

/// A bearer token: `pintle_`, 64 hexadecimal digits of randomness, 8 of checksum. The mark and the checksum let
/// scanners find leaked tokens and let both ends refuse a mistyped one without asking the database.
#[derive(Clone)]
pub struct ApiToken(Zeroizing<String>);

impl ApiToken {
    /// A new token around 32 random bytes.
    pub fn make(random: &[u8; 32]) -> Self {
        let mut text = Zeroizing::new(String::with_capacity(MARK.len() + SECRET_DIGITS + CHECKSUM_DIGITS));
        text.push_str(MARK);
        push_hex(&mut text, random);
        let checksum = derive_checksum(&text);
        text.push_str(&checksum);
        Self(text)
    }

    /// Accepts exactly the form above; surrounding white space is an error.
    ///
    /// # Errors
    /// [`TokenError`] when the form or the checksum is wrong.
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        let (body, checksum) = text.split_at_checked(MARK.len() + SECRET_DIGITS).ok_or(TokenError::Malformed)?;
        let digits = body.strip_prefix(MARK).ok_or(TokenError::Malformed)?;
        let is_digit = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        if checksum.len() != CHECKSUM_DIGITS || !digits.bytes().chain(checksum.bytes()).all(is_digit) {
            return Err(TokenError::Malformed);
        }
        if derive_checksum(body) != checksum {
            return Err(TokenError::WrongChecksum);
        }
        Ok(Self(Zeroizing::new(text.to_owned())))
    }

    /// The secret itself, for the one place that sends or shows it.
    pub fn expose_secret(&self) -> &str {
        &self.0
    }

    /// The first characters, which may be shown and stored: they name the token and leave 208 secret bits.
    pub fn prefix(&self) -> &str {
        self.0.get(..MARK.len() + PREFIX_DIGITS).unwrap_or(MARK)
    }

    /// SHA-256 of the whole token: what a server stores. A plain hash is enough for 256 random bits.
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

impl fmt::Debug for ApiToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiToken(..)")
    }
}

/// Why a text is no API token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// Not `pintle_` and 72 lower-case hexadecimal digits.
    #[error("an API token is `pintle_` followed by 72 lower-case hexadecimal digits")]
    Malformed,
    /// The last 8 digits do not belong to the rest.
    #[error("the API token's checksum is wrong: a character is mistyped or missing")]
    WrongChecksum,
}

fn derive_checksum(body: &str) -> String {
    let digest: [u8; 32] = Sha256::digest(body.as_bytes()).into();
    let mut text = String::with_capacity(CHECKSUM_DIGITS);
    push_hex(&mut text, digest.iter().take(CHECKSUM_DIGITS / 2));
    text
}

fn push_hex<'a>(text: &mut String, bytes: impl IntoIterator<Item = &'a u8>) {
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_token_parses_and_keeps_its_hash() {
        let token = ApiToken::make(&[0xa5; 32]);
        let again = ApiToken::parse(token.expose_secret()).unwrap();
        assert_eq!(again.sha256(), token.sha256());
        assert_eq!(again.prefix(), "pintle_a5a5a5a5a5a5");
    }

    #[test]
    fn refuses_every_single_changed_character() {
        let good = ApiToken::make(&[7; 32]).expose_secret().to_owned();
        for at in 0..good.len() {
            let mut bytes = good.clone().into_bytes();
            bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
            assert!(ApiToken::parse(std::str::from_utf8(&bytes).unwrap()).is_err(), "changed at {at}");
        }
    }

    #[test]
    fn refuses_other_lengths_other_case_and_white_space() {
        let good = ApiToken::make(&[0xab; 32]).expose_secret().to_owned();
        for bad in [
            "",
            "pintle_",
            &good.replacen('p', "", 1),
            &good.to_uppercase(),
            &format!("{good} "),
            &format!("{good}0"),
            "ü",
        ] {
            assert_eq!(ApiToken::parse(bad).unwrap_err(), TokenError::Malformed, "{bad:?}");
        }
    }

    #[test]
    fn debug_output_shows_nothing() {
        let token = ApiToken::make(&[3; 32]);
        assert_eq!(format!("{token:?}"), "ApiToken(..)");
    }
}
