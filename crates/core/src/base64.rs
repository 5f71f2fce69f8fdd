//! Strict base64 (P-2.3): one spelling for every value, so a file cannot be re-spelled under the same signature.

use alloc::{string::String, vec::Vec};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};

/// Base64url without padding, unused bits zero, no white space (RFC 7515 §2). `None` otherwise.
pub(crate) fn parse_url(text: impl AsRef<[u8]>) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Standard base64 with padding, unused bits zero, no white space (RFC 4648 §4), of exactly `N` bytes.
pub(crate) fn parse_standard<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut out = [0; N];
    let len = STANDARD.decode_slice(text, &mut out).ok()?;
    (len == N).then_some(out)
}

pub(crate) fn to_url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn to_standard(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::{parse_standard, parse_url};

    #[test]
    fn base64url_has_one_spelling() {
        assert_eq!(parse_url("Zg").as_deref(), Some(&b"f"[..]));
        for wrong in ["Zh", "Zg==", "Z", "Zg\n", " Zg", "Z g", "Z+", "Z/", "Zm9", "Zm9vY"] {
            assert_eq!(parse_url(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn standard_base64_has_one_spelling_and_an_exact_length() {
        assert_eq!(parse_standard::<1>("Zg=="), Some(*b"f"));
        for wrong in ["Zg", "Zg=", "Zh==", "Zm8=", "Zg==\n", "Z-==", "Z_==", "===="] {
            assert_eq!(parse_standard::<1>(wrong), None, "{wrong:?}");
        }
        assert_eq!(parse_standard::<3>("Zm8="), None);
    }
}
