use pintle_core::{HostName, limits::MAX_NAME_CHARS};

use crate::{ServiceError, error::AccountError};

/// RFC 5321, 4.5.3.1.1.
const MAX_LOCAL_BYTES: usize = 64;
/// RFC 5321, 4.5.3.1.3, without the brackets.
const MAX_ADDRESS_BYTES: usize = 254;

/// An e-mail address that mail can be sent to: an unquoted local part, a host name of at least two labels. One mailbox
/// under two spellings of its local part's case counts as one account's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EmailAddress {
    text: String,
    key: String,
}

impl EmailAddress {
    /// The door: what people write becomes the one spelling that is kept.
    pub(crate) fn parse(text: &str) -> Result<Self, ServiceError> {
        Self::read(text).ok_or_else(|| AccountError::AddressInvalid.into())
    }

    fn read(text: &str) -> Option<Self> {
        let (local, host) = text.trim().rsplit_once('@')?;
        let is_atom = |atom: &str| !atom.is_empty() && atom.bytes().all(is_atom_byte);
        if local.len() > MAX_LOCAL_BYTES || !local.split('.').all(is_atom) || host.chars().count() > MAX_NAME_CHARS {
            return None;
        }
        let host = idna::domain_to_ascii(host).ok()?;
        let HostName::Dns(_) = HostName::parse(&host).ok()? else { return None };
        let text = format!("{local}@{host}");
        let fits = text.len() <= MAX_ADDRESS_BYTES && host.contains('.') && !host.ends_with('.');
        fits.then(|| Self { key: text.to_ascii_lowercase(), text })
    }

    /// For sending and showing.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// For finding.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }
}

/// `atext` of RFC 5322, 3.2.3. Nothing in it means anything to a mail header or a terminal.
fn is_atom_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_one_spelling_of_an_address() {
        for (written, text, key) in [
            (" Ada@EXAMPLE.com ", "Ada@example.com", "ada@example.com"),
            ("ada+pins@bücher.example", "ada+pins@xn--bcher-kva.example", "ada+pins@xn--bcher-kva.example"),
            ("o'neil.b@a.b.example", "o'neil.b@a.b.example", "o'neil.b@a.b.example"),
        ] {
            let address = EmailAddress::parse(written).unwrap();
            assert_eq!((address.as_str(), address.key()), (text, key));
        }
    }

    #[test]
    fn refuses_what_no_mail_should_be_sent_to() {
        let long = format!("{}@example.com", "a".repeat(65));
        for text in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "ada@localhost",
            "a da@example.com",
            "ada@example.com\r\nBcc: eve@example.com",
            "\"a b\"@example.com",
            "ada..b@example.com",
            ".ada@example.com",
            "ada@192.0.2.1",
            "ada@[192.0.2.1]",
            "ada@example.com.",
            "ada@-x.example",
            "ädä@example.com",
            "a@b@example.com",
            &long,
        ] {
            assert!(EmailAddress::parse(text).is_err(), "{text}");
        }
    }
}
