//! The only cryptography of the protocol: two digests and one signature, behind one small trait.

#[cfg(feature = "ring")]
mod ring;
#[cfg(all(feature = "rustcrypto", any(test, not(feature = "ring"))))]
mod rustcrypto;

#[cfg(feature = "ring")]
use self::ring::Ring as Provider;
#[cfg(all(feature = "rustcrypto", not(feature = "ring")))]
use self::rustcrypto::RustCrypto as Provider;

#[cfg(not(any(feature = "ring", feature = "rustcrypto")))]
compile_error!("pintle-core needs a crypto provider: enable the feature `ring` or `rustcrypto`");

/// What a provider must be able to do. All inputs are public; none of it needs constant time.
trait Crypto {
    /// FIPS 180-4.
    fn sha256(data: &[u8]) -> [u8; 32];
    /// FIPS 180-4.
    fn sha512(data: &[u8]) -> [u8; 64];
    /// ECDSA with P-256 and SHA-256 (FIPS 186-5). `point` is the uncompressed SEC 1 point, `signature` is
    /// `r ‖ s`, both in 1…n−1, high `s` accepted (P-2.2). False for a point that is not on the curve.
    fn verify_p256(point: &[u8; 65], message: &[u8], signature: &[u8; 64]) -> bool;
}

/// SHA-256 of `data`.
#[must_use]
pub fn sha256(data: &[u8]) -> [u8; 32] {
    Provider::sha256(data)
}

/// SHA-512 of `data`.
#[must_use]
pub fn sha512(data: &[u8]) -> [u8; 64] {
    Provider::sha512(data)
}

/// Whether `signature` (`r ‖ s`) is `point`'s ECDSA P-256/SHA-256 signature over `message`.
#[must_use]
pub fn verify_p256(point: &[u8; 65], message: &[u8], signature: &[u8; 64]) -> bool {
    Provider::verify_p256(point, message, signature)
}

#[cfg(all(test, feature = "ring", feature = "rustcrypto"))]
mod tests {
    use super::{Crypto, ring::Ring, rustcrypto::RustCrypto};

    // RFC 6979 A.2.5, P-256 with SHA-256, message "sample".
    const POINT: [u8; 65] = [
        0x04, 0x60, 0xFE, 0xD4, 0xBA, 0x25, 0x5A, 0x9D, 0x31, 0xC9, 0x61, 0xEB, 0x74, 0xC6, 0x35, 0x6D, 0x68, 0xC0,
        0x49, 0xB8, 0x92, 0x3B, 0x61, 0xFA, 0x6C, 0xE6, 0x69, 0x62, 0x2E, 0x60, 0xF2, 0x9F, 0xB6, 0x79, 0x03, 0xFE,
        0x10, 0x08, 0xB8, 0xBC, 0x99, 0xA4, 0x1A, 0xE9, 0xE9, 0x56, 0x28, 0xBC, 0x64, 0xF2, 0xF1, 0xB2, 0x0C, 0x2D,
        0x7E, 0x9F, 0x51, 0x77, 0xA3, 0xC2, 0x94, 0xD4, 0x46, 0x22, 0x99,
    ];
    const SIGNATURE: [u8; 64] = [
        0xEF, 0xD4, 0x8B, 0x2A, 0xAC, 0xB6, 0xA8, 0xFD, 0x11, 0x40, 0xDD, 0x9C, 0xD4, 0x5E, 0x81, 0xD6, 0x9D, 0x2C,
        0x87, 0x7B, 0x56, 0xAA, 0xF9, 0x91, 0xC3, 0x4D, 0x0E, 0xA8, 0x4E, 0xAF, 0x37, 0x16, 0xF7, 0xCB, 0x1C, 0x94,
        0x2D, 0x65, 0x7C, 0x41, 0xD4, 0x36, 0xC7, 0xA1, 0xB6, 0xE2, 0x9F, 0x65, 0xF3, 0xE9, 0x00, 0xDB, 0xB9, 0xAF,
        0xF4, 0x06, 0x4D, 0xC4, 0xAB, 0x2F, 0x84, 0x3A, 0xCD, 0xA8,
    ];

    #[test]
    fn both_providers_verify_the_rfc_6979_signature_and_refuse_a_flipped_bit() {
        assert!(Ring::verify_p256(&POINT, b"sample", &SIGNATURE));
        assert!(RustCrypto::verify_p256(&POINT, b"sample", &SIGNATURE));
        for bit in 0..512 {
            let mut bad = SIGNATURE;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(!Ring::verify_p256(&POINT, b"sample", &bad));
            assert!(!RustCrypto::verify_p256(&POINT, b"sample", &bad));
        }
    }

    #[test]
    fn both_providers_refuse_a_point_off_the_curve() {
        let mut point = POINT;
        point[64] ^= 1;
        assert!(!Ring::verify_p256(&point, b"sample", &SIGNATURE));
        assert!(!RustCrypto::verify_p256(&point, b"sample", &SIGNATURE));
    }

    #[test]
    fn both_providers_give_the_same_digests() {
        for data in [&b""[..], b"abc", &[0x61; 1000]] {
            assert_eq!(Ring::sha256(data), RustCrypto::sha256(data));
            assert_eq!(Ring::sha512(data), RustCrypto::sha512(data));
        }
    }
}
