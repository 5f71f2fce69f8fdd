//! What is measured: files, chains and configurations of a realistic make.

use pintle_core::{
    Name, OrganizationId, ProjectId, Root, State, UnixTime, VerifiedConfig,
    claims::{Claims, Domain, Pin, PinDigest, PinMatch, PinType},
    crypto::sha256,
    der::Certificate,
    root::BaseUrl,
    verify,
};
use pintle_sign::{Signer, SigningKey, canonical_claims, sign_config};
use rcgen::{BasicConstraints, CertificateParams, CustomExtension, DnType, IsCa, Issuer, KeyPair};

pub(crate) const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

/// A project with its key.
pub(crate) struct Project {
    key: SigningKey,
    pub(crate) root: Root,
    /// Uncompressed, as *ring* takes it.
    pub(crate) point: Vec<u8>,
}

/// A signed configuration.
pub(crate) struct File(String);

/// What a raw verification needs of a [`File`].
pub(crate) struct Parts<'a> {
    pub(crate) signing_input: &'a [u8],
    pub(crate) signature: Vec<u8>,
}

impl Project {
    pub(crate) fn new() -> Self {
        let key = SigningKey::generate().expect("randomness");
        let (organization, project) =
            (OrganizationId::parse("acme").expect("id"), ProjectId::parse("app").expect("id"));
        let urls = vec![BaseUrl::parse("https://cdn.example").expect("URL")];
        let root = Root::new(organization, project, key.public_key(), urls).expect("root");
        let point = key.public_key().spki_der()[26..].to_vec();
        Self { key, root, point }
    }

    /// Hosts of two pins each, as many as fit into `bytes`.
    pub(crate) fn make_file_of(&self, bytes: usize) -> File {
        let fits = |file: &File| file.as_bytes().len() <= bytes;
        let files = (0..).map(|domains| self.sign(&self.make_claims(domains, 2)));
        files.take_while(fits).last().expect("an empty one fits")
    }

    /// `domains` hosts of `pins` pins each.
    pub(crate) fn make_claims(&self, domains: usize, pins: usize) -> Vec<u8> {
        let pin = |host: &str, number: usize| pin(PinDigest::SpkiSha256(sha256(format!("{host} {number}").as_bytes())));
        self.canonical(domains, |host| (0..pins).map(|number| pin(host, number)).collect())
    }

    /// `domains` hosts, each with a spare pin and the one of `chain`'s leaf, accepted.
    pub(crate) fn make_config(&self, domains: usize, chain: &Chain) -> VerifiedConfig {
        let leaf = PinDigest::derive(PinType::SpkiSha256, &chain.spki, &chain.leaf);
        let spare = |host: &str| PinDigest::SpkiSha256(sha256(host.as_bytes()));
        let file = self.sign(&self.canonical(domains, |host| vec![pin(spare(host)), pin(leaf)]));
        verify(file.as_bytes(), &self.root, &State::default(), NOW).expect("valid").config
    }

    fn canonical(&self, domains: usize, pins: impl Fn(&str) -> Vec<Pin>) -> Vec<u8> {
        let mut claims = Claims::new(self.root.organization().clone(), self.root.project().clone(), 7, NOW);
        claims.domains =
            hosts(domains).iter().map(|host| Domain::new(Name::parse(host).expect("host"), pins(host))).collect();
        canonical_claims(&claims)
    }

    fn sign(&self, claims: &[u8]) -> File {
        File(sign_config(&self.key, claims, &[], &self.root).expect("valid").as_str().to_owned())
    }
}

impl File {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    pub(crate) fn parts(&self) -> Parts<'_> {
        let (signing_input, signature) = self.0.rsplit_once('.').expect("three parts");
        let signature = base64_url(signature);
        Parts { signing_input: signing_input.as_bytes(), signature }
    }
}

fn base64_url(text: &str) -> Vec<u8> {
    use base64ct::{Base64UrlUnpadded, Encoding};
    Base64UrlUnpadded::decode_vec(text).expect("base64url")
}

fn pin(digest: PinDigest) -> Pin {
    Pin { digest, matches: PinMatch::Leaf, expires_at: None }
}

pub(crate) fn hosts(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("service-{number}.region-{}.example.com", number % 7)).collect()
}

/// Leaf, intermediate and root, the leaf as large as those of the public CAs.
pub(crate) struct Chain {
    pub(crate) leaf: Vec<u8>,
    pub(crate) intermediate: Vec<u8>,
    pub(crate) root: Vec<u8>,
    /// The leaf's SubjectPublicKeyInfo.
    pub(crate) spki: Vec<u8>,
}

impl Chain {
    pub(crate) fn new() -> Self {
        let root_key = KeyPair::generate().expect("key");
        let root_params = authority("Root");
        let root = root_params.self_signed(&root_key).expect("certificate").der().to_vec();
        let root_issuer = Issuer::new(root_params, root_key);
        let intermediate_key = KeyPair::generate().expect("key");
        let intermediate_params = authority("Intermediate");
        let intermediate =
            intermediate_params.signed_by(&intermediate_key, &root_issuer).expect("certificate").der().to_vec();
        let issuer = Issuer::new(intermediate_params, intermediate_key);
        let names = (0..8).map(|number| format!("service-{number}.example.com")).collect::<Vec<_>>();
        let mut params = CertificateParams::new(names).expect("names");
        // As long as two embedded SCTs: the list is not looked at here.
        const SCT_LIST: &[u64] = &[1, 3, 6, 1, 4, 1, 11129, 2, 4, 2];
        params.custom_extensions = vec![CustomExtension::from_oid_content(SCT_LIST, vec![0; 242])];
        let leaf = params.signed_by(&KeyPair::generate().expect("key"), &issuer).expect("certificate").der().to_vec();
        let spki = Certificate::parse(&leaf).expect("certificate").spki().to_vec();
        Self { leaf, intermediate, root, spki }
    }
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}
