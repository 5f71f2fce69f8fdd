//! Arbitrary connections under arbitrary configurations: what section 4 promises whatever comes.
#![no_main]

use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap},
    rc::Rc,
    sync::LazyLock,
};

use libfuzzer_sys::{
    arbitrary::{self, Arbitrary, Unstructured},
    fuzz_target,
};
use pintle_core::{
    Code, Connection, Decision, HostName, Installation, Mode, Name, State, UnixTime, VerifiedConfig,
    claims::{Claims, CtPolicy, CtRequirement, Domain, Enforce, OnStale, Pin, PinDigest, PinMatch, PinType, Trust},
    crypto::sha256,
    decide,
    decide::{Configuration, PathCertificate, PlatformVerdict, Verdict},
    der::Certificate,
    verify,
};
use pintle_fuzz::{
    HEADER, NOW, ROOT,
    certificate::{make_certificate, make_certificate_embedding},
    ct::{LOGS, Memo, embedded_sct, sct, sct_list},
    sign,
};
use pintle_sign::canonical_claims;

const NAMES: [&str; 8] = [
    "a.example",
    "*.a.example",
    "**.a.example",
    "**.example",
    "b.a.example",
    "*.b.a.example",
    "192.0.2.1",
    "2001:db8::1",
];
const HOSTS: [&str; 9] = [
    "a.example",
    "A.example.",
    "b.a.example",
    "c.b.a.example",
    "example",
    "other.test",
    "192.0.2.1",
    "[2001:DB8::1]",
    "1.2.3",
];

/// Issuer of the certificate that embeds SCTs, among [`CERTIFICATES`].
const ISSUER: u8 = 2;
/// The certificate that embeds SCTs of logs 0 and 2.
const EMBEDDING: u8 = 5;

static CERTIFICATES: LazyLock<[Vec<u8>; 6]> = LazyLock::new(|| {
    let make = |key, name| make_certificate(key, &[name]);
    let issuer = make(3, "ca.test");
    let bare = make(5, "a.example");
    let issuer_spki = Certificate::parse(&issuer).expect("readable").spki();
    let list = sct_list(&[0, 2].map(|log| embedded_sct(log, &bare, issuer_spki, NOW)));
    let embedding = make_certificate_embedding(5, &["a.example"], &list);
    [make(1, "a.example"), make(2, "*.a.example"), issuer, make(4, "root.test"), make(1, "other.test"), embedding]
});

#[derive(Arbitrary, Debug)]
struct Case<'a> {
    host: Text<'a>,
    presented: Vec<Chosen<'a>>,
    path: Option<Vec<Element<'a>>>,
    platform: u8,
    tls_scts: Option<Scts<'a>>,
    ocsp_scts: Option<Scts<'a>>,
    draw: Option<u8>,
    late: bool,
    /// Which of some thousand configurations: making one costs more than everything else here.
    config: u16,
}

#[derive(Arbitrary, Debug)]
enum Scts<'a> {
    Signed(Vec<Sct>),
    Any(&'a [u8]),
}

/// Truly signed, then perhaps changed.
#[derive(Arbitrary, Debug)]
struct Sct {
    log: u8,
    certificate: u8,
    late: bool,
    changed: Option<(u8, u8)>,
}

#[derive(Arbitrary, Debug)]
enum Text<'a> {
    Known(u8),
    Any(&'a str),
}

#[derive(Arbitrary, Debug)]
enum Chosen<'a> {
    Known(u8),
    Changed { known: u8, at: u16, to: u8 },
    Any(&'a [u8]),
}

#[derive(Arbitrary, Debug)]
enum Element<'a> {
    Certificate(Chosen<'a>),
    Anchor(u8),
}

#[derive(Arbitrary, Clone, Debug, PartialEq, Eq, Hash)]
struct Config {
    domains: Vec<Entry>,
    deny: u8,
    expires: Option<bool>,
    withdrawn: bool,
}

#[derive(Arbitrary, Clone, Debug, PartialEq, Eq, Hash)]
struct Entry {
    name: u8,
    enforce: u8,
    trust_pins: bool,
    pins: Vec<PinChoice>,
    ct: Option<Ct>,
}

#[derive(Arbitrary, Clone, Debug, PartialEq, Eq, Hash)]
enum Ct {
    Declared { log: u8 },
    Verified { min: bool, logs: Option<[bool; 3]> },
}

#[derive(Arbitrary, Clone, Debug, PartialEq, Eq, Hash)]
struct PinChoice {
    certificate: u8,
    kind: u8,
    matches: u8,
    expires: Option<bool>,
}

fuzz_target!(|case: Case<'_>| {
    let Some(config) = verified(case.config) else { return };
    thread_local!(static MEMO: &'static Memo = Box::leak(Box::default()));
    let memo = MEMO.with(|memo| *memo);
    let host = match case.host {
        Text::Known(index) => pick(&HOSTS, index),
        Text::Any(text) => text,
    };
    let presented: Vec<Vec<u8>> = case.presented.iter().map(Chosen::bytes).collect();
    let presented: Vec<&[u8]> = presented.iter().map(Vec::as_slice).collect();
    let path: Option<Vec<(Vec<u8>, bool)>> = case.path.as_ref().map(|path| path.iter().map(Element::bytes).collect());
    let path: Option<Vec<PathCertificate<'_>>> = path.as_ref().map(|path| {
        path.iter()
            .map(|(bytes, anchor)| match anchor {
                false => PathCertificate::Certificate(bytes),
                true => PathCertificate::Anchor { spki: bytes },
            })
            .collect()
    });
    let platform =
        pick(&[PlatformVerdict::Unknown, PlatformVerdict::Accepted, PlatformVerdict::Refused], case.platform);
    let [tls_scts, ocsp_scts] = [&case.tls_scts, &case.ocsp_scts].map(|scts| scts.as_ref().map(Scts::bytes));
    let (tls_scts, ocsp_scts) = (tls_scts.as_deref(), ocsp_scts.as_deref());
    let mut connection = Connection::new(host, &presented)
        .with_platform_verdict(platform)
        .with_scts(tls_scts, ocsp_scts)
        .with_sct_memo(memo);
    if let Some(path) = &path {
        connection = connection.with_verified_path(path);
    }
    let t = if case.late { NOW.saturating_add_secs(1000) } else { NOW };
    let ask = |connection: &Connection<'_>, mode, draw| {
        decide(connection, Configuration::Active(&config), &Installation { mode, draw, generation: 7 }, t)
    };

    let strict = ask(&connection, Mode::Strict, case.draw);
    assert_eq!(strict.generation, 7);
    assert_eq!(strict, ask(&connection, Mode::Strict, case.draw), "the same question has one answer");
    check_modes(&strict, &ask(&connection, Mode::Permissive, case.draw), platform);
    check_enforcement(&ask(&connection, Mode::Strict, None), &strict);
    check_verdict(&strict, &config, host, &presented, path.as_deref(), platform, t);
    if let Verdict::Pinned { domain, .. } = &strict.verdict {
        check_ct(&case, &config, domain, &presented, path.as_deref());
    }

    // The pile of certificates a server presents proves nothing: leaving it out takes nothing away (P-2.6).
    if let ([leaf, _, ..], None) = (&presented[..], &path) {
        let leaf = [*leaf];
        let alone = Connection::new(host, &leaf).with_platform_verdict(platform).with_scts(tls_scts, ocsp_scts);
        if strict.is_allowed() {
            assert_eq!(strict, ask(&alone, Mode::Strict, case.draw));
        }
    }
    // Without a configuration nothing passes, whatever it is.
    for configuration in [Configuration::Missing, Configuration::Withdrawn] {
        let installation = Installation { mode: Mode::Permissive, draw: case.draw, generation: 7 };
        assert!(!decide(&connection, configuration, &installation, t).is_allowed());
    }
});

/// The mode matters for hosts without an entry and for nothing else.
fn check_modes(strict: &Decision, permissive: &Decision, platform: PlatformVerdict) {
    if strict.code() == Some(Code::DomainNotRegistered) {
        match platform {
            PlatformVerdict::Accepted => assert_eq!(permissive.verdict, Verdict::NotCovered),
            _ => assert_eq!(permissive.code(), Some(Code::PlatformRejected)),
        }
    } else {
        assert_eq!(strict, permissive);
    }
}

/// An installation that does not enforce differs in violations of pins and CT, and in nothing else (P-4.9).
fn check_enforcement(enforced: &Decision, drawn: &Decision) {
    match (&enforced.verdict, &drawn.verdict) {
        (one, other) if one == other => {}
        (Verdict::Refused { code, domain: Some(domain) }, Verdict::Reported { domain: same, violation }) => {
            assert_eq!((domain, code), (same, violation));
            assert!(matches!(code, Code::PinMismatch | Code::AllPinsExpired | Code::CtNotSatisfied));
        }
        other => panic!("{other:?}"),
    }
}

/// What an allowed connection proves, found again by the plainest means.
fn check_verdict(
    decision: &Decision,
    config: &VerifiedConfig,
    host: &str,
    presented: &[&[u8]],
    path: Option<&[PathCertificate<'_>]>,
    platform: PlatformVerdict,
    t: UnixTime,
) {
    if !decision.is_allowed() {
        assert!(decision.code().is_some());
        return;
    }
    let claims = config.claims();
    assert!(!claims.withdrawn);
    let host = HostName::parse_connection(host).expect("an allowed host is within the grammar");
    let entry = most_specific(&claims.domains, &host).expect("strict mode allows no stranger");
    let leaf = match path.map(|path| path[0]) {
        Some(PathCertificate::Certificate(leaf)) => leaf,
        Some(PathCertificate::Anchor { .. }) => panic!("an anchor is no leaf"),
        None => presented[0],
    };
    let leaf_read = Certificate::parse(leaf).expect("an allowed leaf is readable");
    assert!(!claims.deny.contains(&sha256(leaf_read.spki())));
    match entry.trust {
        Trust::Platform => assert_eq!(platform, PlatformVerdict::Accepted),
        Trust::Pins => assert!(leaf_read.covers(&host) == Ok(true) && leaf_read.is_valid_at(t)),
    }
    match &decision.verdict {
        Verdict::Pinned { domain, pin, position } => {
            assert_eq!(domain, &entry.name);
            let pin = &entry.pins[*pin];
            assert!(pin.expires_at.is_none_or(|expires_at| t < expires_at));
            assert!(pin.matches.covers(*position));
            let shown = match path.map(|path| path[*position]) {
                Some(PathCertificate::Anchor { spki }) => PinDigest::derive(pin.digest.kind(), spki, &[]),
                Some(PathCertificate::Certificate(der)) => digest_of(pin.digest.kind(), der),
                None => {
                    assert_eq!(*position, 0);
                    digest_of(pin.digest.kind(), leaf)
                }
            };
            assert_eq!(shown, pin.digest);
        }
        Verdict::Reported { domain, .. } => {
            assert_eq!(domain, &entry.name);
            assert_ne!(entry.enforce, Enforce::Always);
        }
        Verdict::NotCovered | Verdict::Refused { .. } => panic!("{decision:?}"),
    }
}

fn digest_of(kind: PinType, der: &[u8]) -> PinDigest {
    PinDigest::derive(kind, Certificate::parse(der).expect("readable").spki(), der)
}

/// P-4.5 by looking at every entry.
fn most_specific<'a>(domains: &'a [Domain], host: &HostName) -> Option<&'a Domain> {
    let rank = |domain: &&Domain| match (&domain.name, host) {
        (Name::Exact(name), host) if name == host => Some(usize::MAX),
        (Name::OneLabel(base), HostName::Dns(host)) if host.parent() == Some(base.as_str()) => Some(usize::MAX - 1),
        (Name::AnyDepth(base), HostName::Dns(host)) => {
            let below =
                host.as_str().strip_suffix(base.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
            below.then_some(base.as_str().len())
        }
        _ => None,
    };
    domains.iter().filter(|domain| rank(domain).is_some()).max_by_key(rank)
}

/// Who allows under `verified` has seen enough untouched SCTs, for this leaf and of both operators (P-6.3).
fn check_ct(
    case: &Case<'_>,
    config: &VerifiedConfig,
    name: &Name,
    presented: &[&[u8]],
    path: Option<&[PathCertificate<'_>]>,
) {
    let entry = config.claims().domains.iter().find(|entry| entry.name == *name).expect("it is among them");
    if entry.ct.policy != CtPolicy::Verified {
        return;
    }
    let leaf = match path.map(|path| path[0]) {
        Some(PathCertificate::Certificate(leaf)) => leaf,
        _ => presented[0],
    };
    let mut logs: BTreeSet<usize> = BTreeSet::new();
    for scts in [&case.tls_scts, &case.ocsp_scts].into_iter().flatten() {
        if let Scts::Signed(scts) = scts {
            let counts = |sct: &&Sct| certificate(sct.certificate) == leaf && (case.late || !sct.late);
            logs.extend(scts.iter().filter(counts).map(|sct| usize::from(sct.log % 3)));
        }
    }
    let issuer = path.and_then(|path| path.get(1)).map(|issuer| match issuer {
        PathCertificate::Certificate(der) => Certificate::parse(der).expect("it was asked for").spki(),
        PathCertificate::Anchor { spki } => spki,
    });
    // Behind what the certificate's issuer signed stands the signature itself, which is the path builder's to judge.
    let signed = signed_part(certificate(EMBEDDING));
    if leaf.starts_with(signed) && issuer == Some(spki(ISSUER)) {
        logs.extend([0, 2]);
    }
    logs.retain(|log| entry.ct.logs.as_ref().is_none_or(|logs| logs.contains(LOGS[*log].1.id())));
    assert!(logs.len() as u64 >= entry.ct.min && logs.contains(&2) && logs.len() >= 2, "{logs:?} {entry:?}");
}

impl Scts<'_> {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Any(bytes) => bytes.to_vec(),
            Self::Signed(scts) => sct_list(&scts.iter().take(8).map(Sct::bytes).collect::<Vec<_>>()),
        }
    }
}

impl Sct {
    fn bytes(&self) -> Vec<u8> {
        // Only `late` is that late.
        let at = NOW.saturating_add_secs(if self.late { 4000 } else { 0 });
        let mut sct = sct(usize::from(self.log % 3), certificate(self.certificate), at);
        if let Some((at, to)) = self.changed {
            let at = usize::from(at) % sct.len();
            sct[at] = to;
        }
        sct
    }
}

/// One of some thousand configurations, made up from its number, signed and verified like any other.
fn verified(number: u16) -> Option<Rc<VerifiedConfig>> {
    const CONFIGURATIONS: u16 = 4096;
    thread_local!(static KNOWN: RefCell<HashMap<u16, Option<Rc<VerifiedConfig>>>> = RefCell::default());
    let number = number % CONFIGURATIONS;
    KNOWN.with_borrow_mut(|known| {
        let make = || {
            let bytes: Vec<u8> =
                (0..16u8).flat_map(|part| sha256(&[&number.to_be_bytes()[..], &[part]].concat())).collect();
            let config = Config::arbitrary(&mut Unstructured::new(&bytes)).ok()?;
            config.verify().map(Rc::new)
        };
        known.entry(number).or_insert_with(make).clone()
    })
}

impl Config {
    fn verify(&self) -> Option<VerifiedConfig> {
        let issued_at = UnixTime::from_secs(NOW.as_secs() - 1000);
        let mut claims = Claims::new(ROOT.organization().clone(), ROOT.project().clone(), 1, issued_at);
        claims.withdrawn = self.withdrawn;
        // On the far side of `late` when it is to expire.
        claims.expires_at = self.expires.map(|_| NOW.saturating_add_secs(500));
        claims.on_stale = if self.expires == Some(true) { OnStale::Fail } else { OnStale::Keep };
        claims.deny = (0..6).filter(|index| self.deny & (1 << index) != 0).map(|index| sha256(spki(index))).collect();
        claims.ct_logs = LOGS.iter().map(|(_, log)| log.clone()).collect();
        claims.ct_logs_as_of = Some(issued_at);
        claims.domains = self.domains.iter().take(4).map(Entry::domain).collect();
        let file = sign(HEADER.as_bytes(), &canonical_claims(&claims));
        verify(file.as_bytes(), &ROOT, &State::default(), NOW).ok().map(|accepted| accepted.config)
    }
}

impl Entry {
    fn domain(&self) -> Domain {
        let pins = self.pins.iter().take(4).map(PinChoice::pin).collect();
        let log_id = |log: usize| *LOGS[log].1.id();
        let ct = match self.ct {
            None => CtRequirement::default(),
            Some(Ct::Declared { log }) => {
                let logs = Some([log_id(usize::from(log % 3))].into());
                CtRequirement { policy: CtPolicy::Declared, min: 1, logs }
            }
            Some(Ct::Verified { min, logs }) => CtRequirement {
                policy: CtPolicy::Verified,
                min: if min { 1 } else { 2 },
                logs: logs.map(|chosen| (0..3).filter(|log| chosen[*log]).map(log_id).collect()),
            },
        };
        Domain {
            enforce: pick(&[Enforce::Always, Enforce::Report, Enforce::Percent(50)], self.enforce),
            trust: if self.trust_pins { Trust::Pins } else { Trust::Platform },
            ct,
            ..Domain::new(Name::parse(pick(&NAMES, self.name)).expect("a name"), pins)
        }
    }
}

impl PinChoice {
    fn pin(&self) -> Pin {
        Pin {
            digest: digest_of(pick(PinType::ALL, self.kind), certificate(self.certificate)),
            matches: pick(PinMatch::ALL, self.matches),
            expires_at: self.expires.map(|late| NOW.saturating_add_secs(if late { 500 } else { 0 })),
        }
    }
}

impl Chosen<'_> {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Known(index) => certificate(*index).to_vec(),
            Self::Changed { known, at, to } => {
                let mut der = certificate(*known).to_vec();
                let at = usize::from(*at) % der.len();
                der[at] = *to;
                der
            }
            Self::Any(bytes) => bytes.to_vec(),
        }
    }
}

impl Element<'_> {
    fn bytes(&self) -> (Vec<u8>, bool) {
        match self {
            Self::Certificate(chosen) => (chosen.bytes(), false),
            Self::Anchor(index) => (spki(*index).to_vec(), true),
        }
    }
}

/// From the start to the end of TBSCertificate: all that a log's promise for the precertificate depends on.
fn signed_part(der: &[u8]) -> &[u8] {
    const HEADER: usize = 4;
    let [0x30, 0x82, _, _, 0x30, 0x82, high, low, ..] = der else { panic!("a certificate of 256 bytes and more") };
    &der[..2 * HEADER + usize::from(u16::from_be_bytes([*high, *low]))]
}

fn spki(index: u8) -> &'static [u8] {
    Certificate::parse(certificate(index)).expect("readable").spki()
}

fn certificate(index: u8) -> &'static [u8] {
    &CERTIFICATES[usize::from(index) % CERTIFICATES.len()]
}

fn pick<T: Copy>(choices: &[T], index: u8) -> T {
    choices[usize::from(index) % choices.len()]
}
