//! A software authenticator and the browser before it (WebAuthn level 3), which say what they are told to, true or not.

use base64ct::{Base64UrlUnpadded, Encoding};
use ring::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use serde_json::{Value, json};

/// Somebody is there.
const PRESENT: u8 = 0x01;
/// They proved who they are.
const VERIFIED: u8 = 0x04;
/// A new credential comes with it.
const ATTESTED: u8 = 0x40;

/// One passkey, on one device.
#[derive(Debug)]
pub struct Authenticator {
    key: EcdsaKeyPair,
    credential_id: Vec<u8>,
    handle: String,
    /// The next answer counts this; 0: it does not count.
    pub count: u32,
}

/// Where and how an answer is given: all of it as it should be, until told otherwise.
#[derive(Clone, Debug)]
pub struct Page {
    /// As the browser tells it.
    pub origin: String,
    /// The name that the authenticator signs for.
    pub rp_id: String,
    /// Whether the page lies in a frame of somebody else's.
    pub is_cross_origin: bool,
    /// Whether the owner unlocked the authenticator.
    pub is_user_verified: bool,
}

impl Page {
    /// A page of the server with this URL.
    pub fn of(url: &str) -> Self {
        let host = url.split("//").nth(1).expect("an URL has a host");
        let rp_id = host.split(':').next().unwrap_or(host).to_owned();
        Self { origin: url.to_owned(), rp_id, is_cross_origin: false, is_user_verified: true }
    }

    fn client_data(&self, kind: &str, challenge: &str) -> Vec<u8> {
        let data = json!({
            "type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": self.is_cross_origin,
        });
        data.to_string().into_bytes()
    }

    fn flags(&self) -> u8 {
        if self.is_user_verified { PRESENT | VERIFIED } else { PRESENT }
    }

    fn authenticator_data(&self, flags: u8, count: u32) -> Vec<u8> {
        let hash = digest(&SHA256, self.rp_id.as_bytes());
        [hash.as_ref(), &[flags], &count.to_be_bytes()].concat()
    }
}

impl Authenticator {
    /// Makes a passkey as `options` ask; with it, what the browser says of it. `count` is the first.
    pub fn register(options: &Value, page: &Page, count: u32) -> (Self, Value) {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).expect("a key is made");
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref(), &random);
        let key = key.expect("a key that was made is one");
        let credential_id = digest(&SHA256, key.public_key().as_ref()).as_ref().to_vec();
        let mut data = page.authenticator_data(page.flags() | ATTESTED, count);
        data.extend([0; 16]);
        data.extend([0, 32]);
        data.extend(&credential_id);
        data.extend(write_cose_key(key.public_key().as_ref()));
        let attestation = [
            b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58".as_slice(),
            &[u8::try_from(data.len()).expect("short")],
            &data,
        ];
        let id = encode(&credential_id);
        let answer = json!({
            "id": id, "rawId": id, "type": "public-key", "clientExtensionResults": {},
            "response": {
                "clientDataJSON": encode(&page.client_data("webauthn.create", text(options, "/challenge"))),
                "attestationObject": encode(&attestation.concat()),
                "transports": ["internal", "hybrid"],
            },
        });
        (Self { key, credential_id, handle: text(options, "/user/id").to_owned(), count }, answer)
    }

    /// Signs as `options` ask; what the browser says of it.
    pub fn sign(&mut self, options: &Value, page: &Page) -> Value {
        if self.count > 0 {
            self.count += 1;
        }
        let client_data = page.client_data("webauthn.get", text(options, "/challenge"));
        let data = page.authenticator_data(page.flags(), self.count);
        let signed = [data.as_slice(), digest(&SHA256, &client_data).as_ref()].concat();
        let signature = self.key.sign(&SystemRandom::new(), &signed).expect("a key signs");
        let id = encode(&self.credential_id);
        json!({
            "id": id, "rawId": id, "type": "public-key", "clientExtensionResults": {},
            "response": {
                "clientDataJSON": encode(&client_data), "authenticatorData": encode(&data),
                "signature": encode(signature.as_ref()), "userHandle": self.handle,
            },
        })
    }
}

/// ES256, as an EC2 key on P-256 (RFC 9053), from an uncompressed point.
fn write_cose_key(point: &[u8]) -> Vec<u8> {
    let (x, y) = point.get(1..).expect("a point").split_at(32);
    [b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20".as_slice(), x, b"\x22\x58\x20", y].concat()
}

fn encode(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer} is missing: {value}"))
}
