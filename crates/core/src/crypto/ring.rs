use ring::{digest, signature};

/// The default provider.
pub(super) struct Ring;

impl super::Crypto for Ring {
    fn sha256(data: &[u8]) -> [u8; 32] {
        fixed(&digest::SHA256, data)
    }

    fn sha512(data: &[u8]) -> [u8; 64] {
        fixed(&digest::SHA512, data)
    }

    fn verify_p256(point: &[u8; 65], message: &[u8], signature: &[u8; 64]) -> bool {
        signature::UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point).verify(message, signature).is_ok()
    }
}

fn fixed<const N: usize>(algorithm: &'static digest::Algorithm, data: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(digest::digest(algorithm, data).as_ref());
    out
}
