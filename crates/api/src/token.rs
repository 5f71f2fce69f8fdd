use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

const SECRET_DIGITS: usize = 64;
const CHECKSUM_DIGITS: usize = 8;
const PREFIX_DIGITS: usize = 12;

/// Declares a secret that whoever carries it may use: a mark, 64 hexadecimal digits of randomness, 8 of checksum. The
/// mark and the checksum let scanners find leaked secrets, and let both ends refuse a mistyped one without asking the
/// database.
macro_rules! bearer_secret {
    ($(#[$doc:meta])+ $name:ident, $mark:literal, $what:literal) => {
        $(#[$doc])+
        #[derive(Clone, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Zeroizing<String>);

        impl $name {
            const KIND: SecretKind = SecretKind { mark: $mark, what: $what };

            /// A new one around 32 random bytes.
            pub fn make(random: &[u8; 32]) -> Self {
                Self(Self::KIND.make(random))
            }

            /// Accepts exactly the form above; surrounding white space is an error.
            ///
            /// # Errors
            /// [`TokenError`] when the form or the checksum is wrong.
            pub fn parse(text: &str) -> Result<Self, TokenError> {
                Self::KIND.parse(text).map(Self)
            }

            /// The secret itself, for the one place that sends or shows it.
            pub fn expose_secret(&self) -> &str {
                &self.0
            }

            /// The first characters, which may be shown and stored: they name the secret and leave 208 secret bits.
            pub fn prefix(&self) -> &str {
                self.0.get(..$mark.len() + PREFIX_DIGITS).unwrap_or($mark)
            }

            /// SHA-256 of the whole secret: what a server stores. A plain hash is enough for 256 random bits.
            pub fn sha256(&self) -> [u8; 32] {
                Sha256::digest(self.0.as_bytes()).into()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }

        impl TryFrom<String> for $name {
            type Error = TokenError;

            fn try_from(text: String) -> Result<Self, TokenError> {
                Self::parse(&Zeroizing::new(text))
            }
        }

        impl From<$name> for String {
            fn from(secret: $name) -> Self {
                secret.expose_secret().to_owned()
            }
        }
    };
}

bearer_secret!(
    /// What a program signs in with: `pintle_` and 72 digits.
    ApiToken, "pintle_", "an API token"
);
bearer_secret!(
    /// What an invited person shows to become a member: `pintle_invite_` and 72 digits.
    InvitationCode, "pintle_invite_", "an invitation code"
);
bearer_secret!(
    /// Stands for somebody who signed in: `pintle_session_` and 72 digits.
    SessionSecret, "pintle_session_", "a session"
);
bearer_secret!(
    /// Comes back once, as the code of a mail or of a second step: `pintle_once_` and 72 digits.
    OneTimeSecret, "pintle_once_", "a code"
);

bearer_secret!(
    /// Lets calendar programs read what ends in an organization: `pintle_cal_` and 72 digits.
    CalendarSecret, "pintle_cal_", "a calendar"
);

/// How one kind of secret looks.
#[derive(Clone, Copy)]
struct SecretKind {
    mark: &'static str,
    what: &'static str,
}

impl SecretKind {
    fn make(self, random: &[u8; 32]) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(self.mark.len() + SECRET_DIGITS + CHECKSUM_DIGITS));
        text.push_str(self.mark);
        push_hex(&mut text, random);
        let checksum = derive_checksum(&text);
        text.push_str(&checksum);
        text
    }

    fn parse(self, text: &str) -> Result<Zeroizing<String>, TokenError> {
        let Self { mark, what } = self;
        let malformed = TokenError::Malformed { what, mark };
        let (body, checksum) = text.split_at_checked(mark.len() + SECRET_DIGITS).ok_or(malformed)?;
        let digits = body.strip_prefix(mark).ok_or(malformed)?;
        let is_digit = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        if checksum.len() != CHECKSUM_DIGITS || !digits.bytes().chain(checksum.bytes()).all(is_digit) {
            return Err(malformed);
        }
        if derive_checksum(body) != checksum {
            return Err(TokenError::WrongChecksum { what });
        }
        Ok(Zeroizing::new(text.to_owned()))
    }
}

/// Why a text is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// Not the mark and 72 lower-case hexadecimal digits.
    #[error("{what} is `{mark}` followed by 72 lower-case hexadecimal digits")]
    Malformed {
        /// Kind of secret, with its article.
        what: &'static str,
        /// What it begins with.
        mark: &'static str,
    },
    /// The last 8 digits do not belong to the rest.
    #[error("the checksum of {what} is wrong: a character is mistyped or missing")]
    WrongChecksum {
        /// Kind of secret, with its article.
        what: &'static str,
    },
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
            assert!(matches!(ApiToken::parse(bad), Err(TokenError::Malformed { .. })), "{bad:?}");
        }
    }

    #[test]
    fn one_kind_of_secret_is_not_another() {
        let (token, code) = (ApiToken::make(&[1; 32]), InvitationCode::make(&[1; 32]));
        assert!(ApiToken::parse(code.expose_secret()).is_err());
        assert!(InvitationCode::parse(token.expose_secret()).is_err());
        assert_eq!(code.prefix(), "pintle_invite_010101010101");
    }

    #[test]
    fn debug_output_shows_nothing() {
        let token = ApiToken::make(&[3; 32]);
        assert_eq!(format!("{token:?}"), "ApiToken(..)");
    }
}
