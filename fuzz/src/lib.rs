//! What the fuzz targets share: one root, and the key behind it.
//!
//! A target states what must hold for *every* input; a violation is a panic. Findings become vectors or unit tests.

pub mod certificate;
pub mod ct;

use std::sync::LazyLock;

use base64ct::{Base64UrlUnpadded, Encoding};
use pintle_core::{
    Accepted, Code, OrganizationId, ProjectId, PublicKey, Root, State, UnixTime, claims::Claims, root::BaseUrl, verify,
};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair},
};

/// The key of RFC 6979 A.2.5, private and public half: no secret, and in no root but this one.
const PRIVATE_KEY: [u8; 32] = [
    0xC9, 0xAF, 0xA9, 0xD8, 0x45, 0xBA, 0x75, 0x16, 0x6B, 0x5C, 0x21, 0x57, 0x67, 0xB1, 0xD6, 0x93, 0x4E, 0x50, 0xC3,
    0xDB, 0x36, 0xE8, 0x9B, 0x12, 0x7B, 0x8A, 0x62, 0x2B, 0x12, 0x0F, 0x67, 0x21,
];
const PUBLIC_POINT: [u8; 65] = [
    0x04, 0x60, 0xFE, 0xD4, 0xBA, 0x25, 0x5A, 0x9D, 0x31, 0xC9, 0x61, 0xEB, 0x74, 0xC6, 0x35, 0x6D, 0x68, 0xC0, 0x49,
    0xB8, 0x92, 0x3B, 0x61, 0xFA, 0x6C, 0xE6, 0x69, 0x62, 0x2E, 0x60, 0xF2, 0x9F, 0xB6, 0x79, 0x03, 0xFE, 0x10, 0x08,
    0xB8, 0xBC, 0x99, 0xA4, 0x1A, 0xE9, 0xE9, 0x56, 0x28, 0xBC, 0x64, 0xF2, 0xF1, 0xB2, 0x0C, 0x2D, 0x7E, 0x9F, 0x51,
    0x77, 0xA3, 0xC2, 0x94, 0xD4, 0x46, 0x22, 0x99,
];
/// SubjectPublicKeyInfo of a P-256 key up to its point.
const SPKI_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE,
    0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// The clock of every target.
pub const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

static KEY: LazyLock<EcdsaKeyPair> = LazyLock::new(|| {
    let (algorithm, rng) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
    EcdsaKeyPair::from_private_key_and_public_key(algorithm, &PRIVATE_KEY, &PUBLIC_POINT, &rng).expect("RFC 6979")
});

/// The public half.
pub static PUBLIC_KEY: LazyLock<PublicKey> = LazyLock::new(|| public_key(&KEY));

/// `acme`/`app` under [`PUBLIC_KEY`].
pub static ROOT: LazyLock<Root> = LazyLock::new(|| {
    let urls = vec![BaseUrl::parse("https://cdn.example").expect("a URL")];
    let (organization, project) = (OrganizationId::parse("acme").expect("id"), ProjectId::parse("app").expect("id"));
    Root::new(organization, project, *PUBLIC_KEY, urls).expect("a root")
});

/// The header of P-2.2 without succession.
pub static HEADER: LazyLock<String> =
    LazyLock::new(|| format!(r#"{{"alg":"ES256","kid":"{}","typ":"pintle-config+jwt"}}"#, PUBLIC_KEY.kid()));

/// A compact JWS of any header and payload, truly signed.
pub fn sign(header: &[u8], payload: &[u8]) -> String {
    sign_by(&KEY, header, payload)
}

/// The same by any key.
pub fn sign_by(key: &EcdsaKeyPair, header: &[u8], payload: &[u8]) -> String {
    let encode = Base64UrlUnpadded::encode_string;
    let signing_input = format!("{}.{}", encode(header), encode(payload));
    let signature = key.sign(&SystemRandom::new(), signing_input.as_bytes()).expect("signing");
    format!("{signing_input}.{}", encode(signature.as_ref()))
}

/// A fresh key.
pub fn make_key(algorithm: &'static EcdsaSigningAlgorithm) -> EcdsaKeyPair {
    let rng = SystemRandom::new();
    let document = EcdsaKeyPair::generate_pkcs8(algorithm, &rng).expect("randomness");
    EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &rng).expect("a key")
}

/// Its public half.
pub fn public_key(key: &EcdsaKeyPair) -> PublicKey {
    let spki = [&SPKI_PREFIX[..], key.public_key().as_ref()].concat();
    PublicKey::from_spki_der(&spki).expect("a P-256 key")
}

/// What holds for every accepted file, given the state it was accepted on top of.
pub fn check_accepted(file: &[u8], accepted: &Accepted) {
    let text = std::str::from_utf8(file).expect("accepted files are ASCII");
    let parts: Vec<&str> = text.split('.').collect();
    let [header, payload, signature] = parts[..] else { panic!("not three parts") };
    let decode = |part: &str| Base64UrlUnpadded::decode_vec(part).expect("strict base64");
    // One spelling: nobody re-spells a file under the same signature.
    for part in [header, payload, signature] {
        assert_eq!(Base64UrlUnpadded::encode_string(&decode(part)), part);
    }
    let claims = Claims::parse(&decode(payload)).expect("claims");
    assert_eq!(&claims, accepted.config.claims());
    assert_eq!((&claims.organization, &claims.project), (ROOT.organization(), ROOT.project()));
    assert_eq!(accepted.state.time_floor, claims.issued_at);

    // The same file again changes nothing; one bit of the signature changed, it is refused.
    let again = verify(file, &ROOT, &accepted.state, NOW).expect("what was accepted is accepted again");
    assert_eq!(again.state, accepted.state);
    let mut forged = decode(signature);
    forged[40] ^= 4;
    let forged = format!("{header}.{payload}.{}", Base64UrlUnpadded::encode_string(&forged));
    assert_eq!(code(forged.as_bytes(), &accepted.state), Some(Code::ConfigSignatureInvalid));
    // A floor above it refuses it.
    let mut later = accepted.state.clone();
    later.floor.as_mut().expect("a floor").version += 1;
    assert_eq!(code(file, &later), Some(Code::ConfigRollback));
}

fn code(file: &[u8], state: &State) -> Option<Code> {
    verify(file, &ROOT, state, NOW).err().map(|error| error.code())
}
