//! What is measured: files, chains and configurations of a realistic make.

use pintle_core::{
    Name, OrganizationId, ProjectId, Root, State, UnixTime, VerifiedConfig,
    claims::{Claims, CtLog, CtPolicy, CtRequirement, Domain, Pin, PinDigest, PinMatch, PinType},
    crypto::sha256,
    ct::precertificate_tbs,
    der::Certificate,
    key::PublicKey,
    root::BaseUrl,
    verify,
};
use pintle_sign::{Signer, SigningKey, canonical_claims, sign_config};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, IsCa, Issuer, KeyPair, PublicKeyData, SigningKey as _,
};

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

    /// `domains` hosts of `pins` pins each, in their one spelling.
    pub(crate) fn make_claims(&self, domains: usize, pins: usize) -> Vec<u8> {
        let pin = |host: &str, number: usize| pin(PinDigest::SpkiSha256(sha256(format!("{host} {number}").as_bytes())));
        canonical_claims(&self.claims(domains, |host| (0..pins).map(|number| pin(host, number)).collect()))
    }

    /// `domains` hosts, each with a spare pin and the one of `chain`'s leaf, accepted.
    pub(crate) fn make_config(&self, domains: usize, chain: &Chain) -> VerifiedConfig {
        let leaf = PinDigest::derive(PinType::SpkiSha256, &chain.spki, &chain.leaf);
        let spare = |host: &str| PinDigest::SpkiSha256(sha256(host.as_bytes()));
        self.accept(&self.claims(domains, |host| vec![pin(spare(host)), pin(leaf)]))
    }

    /// One host, which asks for verified SCTs of the logs of `chain`'s leaf, accepted.
    pub(crate) fn make_ct_config(&self, chain: &Chain) -> VerifiedConfig {
        let leaf = PinDigest::derive(PinType::SpkiSha256, &chain.spki, &chain.leaf);
        let mut claims = self.claims(1, |_| vec![pin(leaf)]);
        claims.ct_logs = chain.logs.iter().map(Log::entry).collect();
        claims.ct_logs_as_of = Some(NOW);
        claims.domains[0].ct = CtRequirement { policy: CtPolicy::Verified, ..CtRequirement::default() };
        self.accept(&claims)
    }

    fn claims(&self, domains: usize, pins: impl Fn(&str) -> Vec<Pin>) -> Claims {
        let mut claims = Claims::new(self.root.organization().clone(), self.root.project().clone(), 7, NOW);
        claims.domains =
            hosts(domains).iter().map(|host| Domain::new(Name::parse(host).expect("host"), pins(host))).collect();
        claims
    }

    fn accept(&self, claims: &Claims) -> VerifiedConfig {
        let file = self.sign(&canonical_claims(claims));
        verify(file.as_bytes(), &self.root, &State::default(), NOW).expect("valid").config
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

/// Leaf, intermediate and root, the leaf as large as those of the public CAs, with an SCT of each log.
pub(crate) struct Chain {
    pub(crate) leaf: Vec<u8>,
    pub(crate) intermediate: Vec<u8>,
    pub(crate) root: Vec<u8>,
    /// The leaf's SubjectPublicKeyInfo.
    pub(crate) spki: Vec<u8>,
    pub(crate) logs: [Log; 2],
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
        let issuer_spki = intermediate_key.subject_public_key_info();
        let issuer = Issuer::new(intermediate_params, intermediate_key);
        let names = (0..8).map(|number| format!("service-{number}.example.com")).collect::<Vec<_>>();
        let mut params = CertificateParams::new(names).expect("names");
        params.serial_number = Some(vec![7; 16].into());
        let key = KeyPair::generate().expect("key");
        let bare = params.signed_by(&key, &issuer).expect("certificate");
        let tbs = precertificate_tbs(&Certificate::parse(bare.der()).expect("certificate")).expect("certificate");
        let logs = ["A", "B"].map(Log::new);
        let list: Vec<u8> = logs.iter().flat_map(|log| prefixed(&log.sct(&issuer_spki, &tbs))).collect();
        const SCT_LIST: &[u64] = &[1, 3, 6, 1, 4, 1, 11129, 2, 4, 2];
        let list = prefixed(&list);
        let octet_string = [&[0x04, 0x81, u8::try_from(list.len()).expect("short")], list.as_slice()].concat();
        params.custom_extensions = vec![CustomExtension::from_oid_content(SCT_LIST, octet_string)];
        let leaf = params.signed_by(&key, &issuer).expect("certificate").der().to_vec();
        let spki = key.subject_public_key_info();
        Self { leaf, intermediate, root, spki, logs }
    }
}

/// A Certificate Transparency log that signs what it is asked to.
pub(crate) struct Log {
    key: KeyPair,
    operator: &'static str,
}

impl Log {
    fn new(operator: &'static str) -> Self {
        Self { key: KeyPair::generate().expect("key"), operator }
    }

    fn entry(&self) -> CtLog {
        let key = PublicKey::from_spki_der(&self.key.subject_public_key_info()).expect("key");
        CtLog::new(key, self.operator.into(), None)
    }

    /// RFC 6962 §3.2, for a precertificate.
    fn sct(&self, issuer_spki: &[u8], tbs: &[u8]) -> Vec<u8> {
        let timestamp_millis = (NOW.as_secs() * 1000).to_be_bytes();
        let [.., high, middle, low] = tbs.len().to_be_bytes();
        let entry = [&[0, 1][..], &sha256(issuer_spki), &[high, middle, low], tbs].concat();
        let signed = [&[0, 0][..], &timestamp_millis, &entry, &[0, 0]].concat();
        let signature = self.key.sign(&signed).expect("signing");
        [&[0][..], self.entry().id(), &timestamp_millis, &[0, 0, 4, 3], &prefixed(&signature)].concat()
    }
}

fn prefixed(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).expect("short").to_be_bytes()[..], bytes].concat()
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}
