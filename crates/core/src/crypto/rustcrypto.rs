use p256::ecdsa::{Signature, VerifyingKey, signature::Verifier};
use sha2::{Digest, Sha256, Sha512};

/// The pure-Rust provider.
pub(super) struct RustCrypto;

impl super::Crypto for RustCrypto {
    fn sha256(data: &[u8]) -> [u8; 32] {
        Sha256::digest(data).into()
    }

    fn sha512(data: &[u8]) -> [u8; 64] {
        Sha512::digest(data).into()
    }

    fn verify_p256(point: &[u8; 65], message: &[u8], signature: &[u8; 64]) -> bool {
        let (Ok(key), Ok(signature)) = (VerifyingKey::from_sec1_bytes(point), Signature::from_slice(signature)) else {
            return false;
        };
        key.verify(message, &signature).is_ok()
    }
}
