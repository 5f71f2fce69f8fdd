//! Strict base64 (P-2.3): one spelling for every value, so a file cannot be re-spelled under the same signature.

use alloc::{string::String, vec::Vec};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};

/// Base64url without padding, unused bits zero, no white space (RFC 7515 §2). `None` otherwise.
pub(crate) fn parse_url(text: impl AsRef<[u8]>) -> Option<Vec<u8>> {
    url_decoder().decode(text).ok()
}

/// The library's vector loops where the processor has them: base64 is a fifth of what a large file costs besides
/// its signature.
#[cfg(all(feature = "std", any(target_arch = "x86_64", target_arch = "aarch64")))]
fn url_decoder() -> &'static impl Engine {
    use base64::engine::{Simd, general_purpose::NO_PAD};
    static DECODER: std::sync::LazyLock<Simd> = std::sync::LazyLock::new(|| Simd::url_safe(NO_PAD));
    &*DECODER
}

#[cfg(not(all(feature = "std", any(target_arch = "x86_64", target_arch = "aarch64"))))]
const fn url_decoder() -> &'static impl Engine {
    &URL_SAFE_NO_PAD
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
    use super::*;

    #[test]
    fn base64url_has_one_spelling() {
        assert_eq!(parse_url("Zg").as_deref(), Some(&b"f"[..]));
        for wrong in ["Zh", "Zg==", "Z", "Zg\n", " Zg", "Z g", "Z+", "Z/", "Zm9", "Zm9vY"] {
            assert_eq!(parse_url(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_long_text_has_one_spelling_at_every_place() {
        // Longer than the blocks that the vector loops take at once, by every remainder.
        for bytes in 64..112 {
            let data: Vec<u8> = (0..bytes).map(|byte| byte ^ 0x5A).collect();
            let text = to_url(&data);
            assert_eq!(parse_url(&text), Some(data));
            for place in 0..text.len() {
                for wrong in *b"+/=.\n \0\x80\xFF" {
                    let mut changed = text.clone().into_bytes();
                    changed[place] = wrong;
                    assert_eq!(parse_url(&changed), None, "{wrong:#x} at {place} of {text}");
                }
            }
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
