//! What holds for all claims: they can be written, signed, verified and read, and nothing is lost on the way.
#![expect(clippy::unwrap_used, reason = "a test: broken material stops it")]

use std::collections::{BTreeMap, BTreeSet};

use base64ct::{Base64UrlUnpadded, Encoding};
use pintle_core::{
    Code, Floor, Name, OrganizationId, ProjectId, PublicKey, Root, State, UnixTime,
    claims::{Claims, CtLog, CtPolicy, CtRequirement, Domain, Enforce, OnStale, Pin, PinDigest, PinMatch, Trust},
    limits::{MAX_INTEGER, MAX_REFRESH_SECS, MIN_REFRESH_SECS},
    root::BaseUrl,
    verify,
};
use pintle_sign::{Signer, SigningKey, canonical_claims, sign_config};
use proptest::{
    collection, option,
    prelude::*,
    sample::{Index, select},
};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

fn time() -> impl Strategy<Value = UnixTime> {
    (0..=MAX_INTEGER).prop_map(UnixTime::from_secs)
}

fn name() -> impl Strategy<Value = Name> {
    let text = prop_oneof![
        r"(\*\*?\.)?[a-z0-9_]([a-z0-9-]{0,5}[a-z0-9])?(\.[a-z]{1,4}){0,2}",
        any::<[u8; 4]>().prop_map(|octets| std::net::Ipv4Addr::from(octets).to_string()),
        any::<[u16; 8]>().prop_map(|groups| std::net::Ipv6Addr::from(groups).to_string()),
    ];
    text.prop_filter_map("outside the grammar", |text| Name::parse(&text).ok())
}

fn pin(matches: impl Strategy<Value = PinMatch>) -> impl Strategy<Value = Pin> {
    let digest = prop_oneof![
        any::<[u8; 32]>().prop_map(PinDigest::SpkiSha256),
        any::<[[u8; 32]; 2]>().prop_map(|halves| PinDigest::SpkiSha512(join(halves))),
        any::<[u8; 32]>().prop_map(PinDigest::CertSha256),
        any::<[[u8; 32]; 2]>().prop_map(|halves| PinDigest::CertSha512(join(halves))),
    ];
    (digest, matches, option::of(time())).prop_map(|(digest, matches, expires_at)| Pin { digest, matches, expires_at })
}

fn join(halves: [[u8; 32]; 2]) -> [u8; 64] {
    halves.concat().try_into().unwrap()
}

/// A log with a key that is no point of the curve: nothing is verified under it here.
fn log() -> impl Strategy<Value = CtLog> {
    (any::<[[u8; 32]; 2]>(), ".{0,8}", option::of(time())).prop_map(|(point, operator, usable_until)| {
        let mut spki = SigningKey::generate().unwrap().public_key().spki_der();
        spki[27..].copy_from_slice(&join(point));
        CtLog::new(PublicKey::from_spki_der(&spki).unwrap(), operator, usable_until)
    })
}

fn domain(logs: &[CtLog]) -> impl Strategy<Value = Domain> + use<> {
    let enforce = prop_oneof![Just(Enforce::Always), Just(Enforce::Report), (1..=99u8).prop_map(Enforce::Percent)];
    let platform = (enforce, collection::vec(pin(select(PinMatch::ALL)), 0..4), requirement(logs))
        .prop_map(|(enforce, pins, ct)| (Trust::Platform, enforce, pins, ct));
    let pins = collection::vec(pin(Just(PinMatch::Leaf)), 0..4)
        .prop_map(|pins| (Trust::Pins, Enforce::Always, pins, CtRequirement::default()));
    (name(), prop_oneof![3 => platform, 1 => pins]).prop_map(|(name, (trust, enforce, pins, ct))| Domain {
        trust,
        enforce,
        ct,
        ..Domain::new(name, pins)
    })
}

fn requirement(logs: &[CtLog]) -> impl Strategy<Value = CtRequirement> + use<> {
    let ids: BTreeSet<[u8; 32]> = logs.iter().map(|log| *log.id()).collect();
    let declared = collection::btree_set(any::<[u8; 32]>(), 1..4).prop_flat_map(|logs| {
        let min = 1..=logs.len() as u64;
        min.prop_map(move |min| CtRequirement { policy: CtPolicy::Declared, min, logs: Some(logs.clone()) })
    });
    let off = Just(CtRequirement::default());
    if ids.is_empty() {
        return prop_oneof![off, declared].boxed();
    }
    let verified = (1..=ids.len() as u64, any::<bool>()).prop_map(move |(min, all)| CtRequirement {
        policy: CtPolicy::Verified,
        min,
        logs: (!all).then(|| ids.clone()),
    });
    prop_oneof![off, declared, verified].boxed()
}

fn claims() -> impl Strategy<Value = Claims> {
    let logs = collection::vec(log(), 0..3);
    let domains = logs.prop_flat_map(|logs| (collection::vec(domain(&logs), 0..6), Just(logs)));
    // `iat`, and how long after it `nbf` and `exp` are, and how long before it the log list was taken.
    let times = (1..NOW.as_secs(), option::of(0..86_400u64), option::of(86_401..1_000_000_000u64), 0..1_000_000u64);
    let rest = (
        1..=MAX_INTEGER,
        select(OnStale::ALL),
        MIN_REFRESH_SECS..=MAX_REFRESH_SECS,
        collection::btree_set(any::<[u8; 32]>(), 0..3),
        any::<bool>(),
    );
    (domains, times, rest).prop_map(|((domains, logs), times, (version, on_stale, refresh_secs, deny, withdrawn))| {
        let (issued_at, not_before, expires_at, list_age) = times;
        let at = UnixTime::from_secs;
        let root = root_of(&SigningKey::generate().unwrap());
        // No two entries share a name.
        let domains: BTreeMap<Name, Domain> = domains.into_iter().map(|domain| (domain.name.clone(), domain)).collect();
        Claims {
            not_before: not_before.map(|after| at(issued_at + after)),
            expires_at: expires_at.map(|after| at(issued_at + after)),
            on_stale,
            refresh_secs,
            domains: domains.into_values().collect(),
            deny,
            ct_logs_as_of: (!logs.is_empty()).then(|| at(issued_at.saturating_sub(list_age))),
            ct_logs: logs,
            withdrawn,
            ..Claims::new(root.organization().clone(), root.project().clone(), version, at(issued_at))
        }
    })
}

fn root_of(key: &SigningKey) -> Root {
    let (organization, project) = (OrganizationId::parse("acme").unwrap(), ProjectId::parse("app").unwrap());
    Root::new(organization, project, key.public_key(), vec![BaseUrl::parse("https://cdn.example").unwrap()]).unwrap()
}

proptest! {
    #[test]
    fn canonical_claims_are_read_back_the_same_and_written_the_same(claims in claims()) {
        let canonical = canonical_claims(&claims);
        let read = Claims::parse(&canonical).unwrap();
        prop_assert_eq!(&read, &claims);
        prop_assert_eq!(canonical_claims(&read), canonical);
    }

    #[test]
    fn what_is_signed_is_what_is_verified(claims in claims()) {
        let key = SigningKey::generate().unwrap();
        let root = root_of(&key);
        let signed = sign_config(&key, &canonical_claims(&claims), &[], &root).unwrap();
        let accepted = verify(signed.as_bytes(), &root, &State::default(), claims.issued_at).unwrap();
        prop_assert_eq!(accepted.config.claims(), &claims);
        prop_assert_eq!(accepted.config.kid(), key.public_key().kid());
        prop_assert_eq!(accepted.state.floor.map(|floor| floor.version), Some(claims.version));
        prop_assert_eq!(accepted.state.withdrawn, claims.withdrawn);
    }

    #[test]
    fn one_changed_byte_is_never_accepted(claims in claims(), place in any::<Index>(), change in 1..=255u8) {
        let key = SigningKey::generate().unwrap();
        let root = root_of(&key);
        let mut file = sign_config(&key, &canonical_claims(&claims), &[], &root).unwrap().as_bytes().to_vec();
        let place = place.index(file.len());
        file[place] ^= change;
        prop_assert!(verify(&file, &root, &State::default(), claims.issued_at).is_err());
    }
}

/// One way each to break a file, in the order in which section 3 looks.
const STEPS: [(&str, Code); 9] = [
    ("P-3.1 a header with `crit`", Code::ConfigMalformed),
    ("P-3.2 another key's `kid`", Code::ConfigKeyUnknown),
    ("P-3.3 another key's signature", Code::ConfigSignatureInvalid),
    ("P-3.4 an unknown need", Code::ConfigUnsupported),
    ("P-3.4 a refresh of 59 seconds", Code::ConfigMalformed),
    ("P-3.5 another project", Code::ConfigWrongProject),
    ("P-3.6 issued too far ahead", Code::ConfigNotYetValid),
    ("P-3.7 below the floor", Code::ConfigRollback),
    ("P-3.8 expired", Code::ConfigExpired),
];

#[test]
fn of_all_that_is_wrong_with_a_file_the_first_step_names_the_code() {
    let (key, other) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
    let root = root_of(&key);
    for broken in 0..1 << STEPS.len() {
        let breaks = |step: usize| broken & (1 << step) != 0;
        let kid = if breaks(1) { other.public_key().kid() } else { key.public_key().kid() };
        let crit = if breaks(0) { r#","crit":[]"# } else { "" };
        let header = format!(r#"{{"alg":"ES256","kid":"{kid}","typ":"pintle-config+jwt"{crit}}}"#);
        let needs = if breaks(3) { r#"["telepathy"]"# } else { "[]" };
        let refresh = if breaks(4) { 59 } else { 60 };
        let project = if breaks(5) { "other" } else { "app" };
        let issued_at = NOW.as_secs() + if breaks(6) { 86_401 } else { 0 };
        // After either `iat`; what makes it pass is the time floor.
        let expires_at = NOW.as_secs() + 100_000;
        let payload = format!(
            r#"{{"fmt":1,"iss":"acme","sub":"{project}","ver":5,"iat":{issued_at},"exp":{expires_at},"on_stale":"fail",
            "refresh":{refresh},"needs":{needs},"domains":[]}}"#
        );
        let encode = Base64UrlUnpadded::encode_string;
        let signing_input = format!("{}.{}", encode(header.as_bytes()), encode(payload.as_bytes()));
        let signer = if breaks(2) { &other } else { &key };
        let file = format!("{signing_input}.{}", encode(&signer.sign(signing_input.as_bytes()).unwrap()));
        let floor = Floor { recovery_seq: 0, version: if breaks(7) { 6 } else { 4 }, claims_digest: [0; 32] };
        let time_floor = UnixTime::from_secs(if breaks(8) { expires_at } else { 0 });
        let state = State { floor: Some(floor), time_floor, ..State::default() };

        let code = verify(file.as_bytes(), &root, &state, NOW).err().map(|error| error.code());
        let first = (0..STEPS.len()).find(|step| breaks(*step)).map(|step| STEPS[step]);
        assert_eq!(code, first.map(|(_, code)| code), "{first:?}");
    }
}
