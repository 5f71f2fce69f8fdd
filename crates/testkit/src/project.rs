//! Keys, bundles and signed configurations.

use base64ct::{Base64UrlUnpadded, Encoding};
use pintle_core::{
    HostName, Name, OrganizationId, ProjectId, Root, UnixTime,
    claims::{Claims, Domain, Pin},
    root::BaseUrl,
};
use pintle_sign::{Signer, SigningKey, canonical_claims, sign_config};

/// When every configuration made here was issued, unless its claims say otherwise.
pub const ISSUED_AT: UnixTime = UnixTime::from_secs(1_790_000_000);

/// A project with its signing key.
pub struct Project {
    key: SigningKey,
    root: Root,
}

impl Project {
    /// Organization `acme`, project `app`, a fresh key; `http` loopback URLs are fine.
    #[must_use]
    pub fn new(urls: &[&str]) -> Self {
        Self::named("acme", "app", urls)
    }

    /// With ids of its own.
    #[must_use]
    pub fn named(organization: &str, project: &str, urls: &[&str]) -> Self {
        let key = SigningKey::generate().expect("a key");
        let urls = urls.iter().map(|url| BaseUrl::dangerous_parse_http_loopback(url).expect("a base URL"));
        let organization = OrganizationId::parse(organization).expect("an id");
        let project = ProjectId::parse(project).expect("an id");
        let public_key = key.public_key();
        let root = Root::new(organization, project, public_key, urls.collect()).expect("a root");
        Self { key, root }
    }

    /// What an app embeds.
    #[must_use]
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// `pintle.json`.
    #[must_use]
    pub fn bundle(&self) -> String {
        self.root.to_bundle_json()
    }

    /// A signed configuration with these entries.
    #[must_use]
    pub fn config(&self, version: u64, domains: Vec<Domain>) -> Vec<u8> {
        self.config_with(version, |claims| claims.domains = domains)
    }

    /// A signed configuration, its claims as `change` leaves them.
    #[must_use]
    pub fn config_with(&self, version: u64, change: impl FnOnce(&mut Claims)) -> Vec<u8> {
        let root = &self.root;
        let mut claims = Claims::new(root.organization().clone(), root.project().clone(), version, ISSUED_AT);
        change(&mut claims);
        let signed =
            sign_config(&self.key, &canonical_claims(&claims), &[], root).expect("an acceptable configuration");
        signed.as_bytes().to_vec()
    }

    /// Whatever `payload` is, signed as a configuration: what a careless or hostile holder of the key may publish.
    #[must_use]
    pub fn sign_unchecked(&self, payload: &str) -> Vec<u8> {
        let kid = self.key.public_key().kid();
        let header = format!(r#"{{"alg":"ES256","typ":"pintle-config+jwt","kid":"{kid}"}}"#);
        let encode = Base64UrlUnpadded::encode_string;
        let signed = format!("{}.{}", encode(header.as_bytes()), encode(payload.as_bytes()));
        let signature = self.key.sign(signed.as_bytes()).expect("a signature");
        format!("{signed}.{}", encode(&signature)).into_bytes()
    }
}

/// The same file under another signature that is as valid: `n - s` in place of `s`.
#[must_use]
pub fn signed_otherwise(config: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(config).expect("a JWS");
    let (signed, signature) = text.rsplit_once('.').expect("three parts");
    let mut signature = Base64UrlUnpadded::decode_vec(signature).expect("base64url");
    let (_, s) = signature.split_at_mut(32);
    let mut borrow = 0;
    for (digit, order) in s.iter_mut().zip(P256_ORDER).rev() {
        let difference = i16::from(order) - i16::from(*digit) - borrow;
        borrow = i16::from(difference < 0);
        *digit = difference.to_le_bytes()[0];
    }
    format!("{signed}.{}", Base64UrlUnpadded::encode_string(&signature)).into_bytes()
}

/// `n` of P-256, big-endian (SP 800-186 §3.2.1.3).
const P256_ORDER: [u8; 32] = [
    0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xBC, 0xE6, 0xFA,
    0xAD, 0xA7, 0x17, 0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x51,
];

/// An entry for one host.
#[must_use]
pub fn domain(host: &str, pins: Vec<Pin>) -> Domain {
    Domain::new(Name::Exact(HostName::parse(host).expect("a host name")), pins)
}
