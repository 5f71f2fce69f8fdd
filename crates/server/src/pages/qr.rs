//! A text as a QR code, drawn here: a secret in it goes to no other server, and no script is needed.

use std::fmt::Write as _;

use qrcodegen::{QrCode, QrCodeEcc};

/// Modules of white around a code.
const QUIET: i32 = 4;

/// An SVG of digits and letters of our own: it may stand in a page as it is. Empty where the text is too long.
pub(super) fn draw(text: &str) -> String {
    let Ok(code) = QrCode::encode_text(text, QrCodeEcc::Medium) else { return String::new() };
    let size = code.size() + 2 * QUIET;
    let mut path = String::new();
    for y in 0..code.size() {
        for x in (0..code.size()).filter(|x| code.get_module(*x, y)) {
            // Writing to a string never fails.
            let _written = write!(path, "M{} {}h1v1h-1z", x + QUIET, y + QUIET);
        }
    }
    format!(
        "<svg class=\"qr\" viewBox=\"0 0 {size} {size}\" role=\"img\" aria-label=\"QR code of the key below\"><path class=\"qr-paper\" d=\"M0 0h{size}v{size}H0z\"/><path class=\"qr-ink\" d=\"{path}\"/></svg>"
    )
}
