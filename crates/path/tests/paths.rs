//! Attacks on certificate paths, and paths that only look like attacks.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests: a panic is how a test fails")]

use pintle_core::{
    Code, Connection, Decision, Installation, Mode, State, UnixTime, VerifiedConfig,
    claims::{Pin, PinMatch, PinType},
    decide,
    decide::{Configuration, PathCertificate, PlatformVerdict, Verdict},
    verify,
};
use pintle_path::{Chain, Decide, Roots, decide_by_proof, decide_by_roots};
use pintle_testkit::{
    certificate::{Authority, SiteCertificate, issuer_pin, leaf_pin, pin},
    clock::START,
    project::{Project, domain},
};
use rustls_pki_types::CertificateDer;

const HOST: &str = "api.example.test";

fn config(pins: Vec<Pin>) -> VerifiedConfig {
    let project = Project::new(&["https://cdn.example.test"]);
    let bytes = project.config(1, vec![domain(HOST, pins)]);
    verify(&bytes, project.root(), &State::default(), START).unwrap().config
}

fn trusting(authorities: &[&Authority]) -> Roots {
    let mut roots = Roots::default();
    for authority in authorities {
        roots.add_certificate(authority.certificate().clone()).unwrap();
    }
    roots
}

fn with_chain<T>(config: &VerifiedConfig, site: &SiteCertificate, run: impl FnOnce(&Chain<'_>, &Decide<'_>) -> T) -> T {
    let ders: Vec<&[u8]> = site.chain.iter().map(AsRef::as_ref).collect();
    let installation = Installation { mode: Mode::Strict, draw: None, generation: 0 };
    let decide_one = |platform: PlatformVerdict, path: Option<&[PathCertificate<'_>]>| {
        let connection = Connection::new(HOST, &ders).with_platform_verdict(platform);
        match path {
            Some(path) => {
                decide(&connection.with_verified_path(path), Configuration::Active(config), &installation, START)
            }
            None => decide(&connection, Configuration::Active(config), &installation, START),
        }
    };
    run(&Chain { leaf: site.leaf(), intermediates: &site.chain[1..] }, &decide_one)
}

fn by_roots(config: &VerifiedConfig, roots: &Roots, site: &SiteCertificate) -> Decision {
    with_chain(config, site, |chain, decide| decide_by_roots(chain, HOST, roots, START, decide))
}

/// On a platform that accepts the chain.
fn by_proof(config: &VerifiedConfig, site: &SiteCertificate) -> Decision {
    with_chain(config, site, |chain, decide| {
        decide_by_proof(chain, HOST, PlatformVerdict::Accepted, Some(config), START, decide)
    })
}

fn position(decision: &Decision) -> usize {
    match decision.verdict {
        Verdict::Pinned { position, .. } => position,
        ref other => panic!("not pinned: {other:?}"),
    }
}

/// A root, an intermediate below it, and a certificate for [`HOST`].
fn hierarchy(name: &str) -> (Authority, Authority, SiteCertificate) {
    let root = Authority::root(&format!("{name} Root"));
    let intermediate = root.subordinate(&format!("{name} Intermediate"));
    let site = intermediate.issue(&[HOST]);
    (root, intermediate, site)
}

#[test]
fn accepts_a_pinned_leaf_intermediate_or_root() {
    let (root, intermediate, site) = hierarchy("Good");
    let roots = trusting(&[&root]);
    assert_eq!(position(&by_roots(&config(vec![leaf_pin(site.leaf())]), &roots, &site)), 0);
    assert_eq!(position(&by_roots(&config(vec![issuer_pin(intermediate.certificate())]), &roots, &site)), 1);
    assert_eq!(position(&by_roots(&config(vec![issuer_pin(root.certificate())]), &roots, &site)), 2);
    assert_eq!(position(&by_proof(&config(vec![leaf_pin(site.leaf())]), &site)), 0);
    assert_eq!(position(&by_proof(&config(vec![issuer_pin(intermediate.certificate())]), &site)), 1);
}

#[test]
fn certificate_pins_match_a_root_only_where_its_certificate_is_known() {
    let (root, _, site) = hierarchy("Good");
    let by_certificate = config(vec![pin(root.certificate(), PinType::CertSha256, PinMatch::Issuer)]);
    let by_key = config(vec![issuer_pin(root.certificate())]);
    assert_eq!(position(&by_roots(&by_certificate, &trusting(&[&root]), &site)), 2);

    let mut key_only = Roots::default();
    key_only.add_anchor(webpki::anchor_from_trusted_cert(root.certificate()).unwrap().to_owned());
    assert_eq!(by_roots(&by_certificate, &key_only, &site).code(), Some(Code::PinMismatch));
    assert_eq!(position(&by_roots(&by_key, &key_only, &site)), 2);
}

#[test]
fn refuses_a_forged_leaf_of_another_trusted_ca() {
    let (good_root, intermediate, site) = hierarchy("Good");
    let (evil_root, _, forged) = hierarchy("Evil");
    let roots = trusting(&[&good_root, &evil_root]);
    for pin in [leaf_pin(site.leaf()), issuer_pin(intermediate.certificate()), issuer_pin(good_root.certificate())] {
        let config = config(vec![pin]);
        assert_eq!(by_roots(&config, &roots, &forged).code(), Some(Code::PinMismatch));
        assert_eq!(by_proof(&config, &forged).code(), Some(Code::PinMismatch));
    }
}

#[test]
fn refuses_a_forged_leaf_padded_with_the_pinned_intermediate() {
    let (good_root, intermediate, _) = hierarchy("Good");
    let (evil_root, _, forged) = hierarchy("Evil");
    let roots = trusting(&[&good_root, &evil_root]);
    let config = config(vec![issuer_pin(intermediate.certificate())]);
    let padded = forged.padded_with(intermediate.certificate());
    assert_eq!(by_roots(&config, &roots, &padded).code(), Some(Code::PinMismatch));
    assert_eq!(by_proof(&config, &padded).code(), Some(Code::PinMismatch));
}

#[test]
fn refuses_a_trusted_root_that_bears_the_name_of_the_pinned_intermediate() {
    let (good_root, intermediate, _) = hierarchy("Good");
    let namesake = Authority::root("Good Intermediate");
    let forged = namesake.issue(&[HOST]).padded_with(intermediate.certificate());
    let config = config(vec![issuer_pin(intermediate.certificate())]);
    let roots = trusting(&[&good_root, &namesake]);
    assert_eq!(by_roots(&config, &roots, &forged).code(), Some(Code::PinMismatch));
    assert_eq!(by_proof(&config, &forged).code(), Some(Code::PinMismatch));
}

#[test]
fn a_presented_pinned_leaf_is_no_issuer() {
    let (_, _, good) = hierarchy("Good");
    let (_, _, forged) = hierarchy("Evil");
    let config = config(vec![pin(good.leaf(), PinType::SpkiSha256, PinMatch::Any)]);
    let padded = forged.padded_with(good.leaf());
    assert_eq!(by_proof(&config, &padded).code(), Some(Code::PinMismatch));
}

#[test]
fn the_issuer_is_proved_where_certificate_transparency_needs_its_key() {
    let (_, intermediate, site) = hierarchy("Good");
    let config = config(vec![leaf_pin(site.leaf())]);
    let ct_list_stale = false;
    // As `core` decides where SCTs verify under the key of `intermediate` alone.
    let decide_ct = |_: PlatformVerdict, path: Option<&[PathCertificate<'_>]>| {
        let is_proved =
            path.and_then(|path| path.get(1)) == Some(&PathCertificate::Certificate(intermediate.certificate()));
        let verdict = match is_proved {
            true => Verdict::Pinned { domain: pintle_core::Name::parse(HOST).unwrap(), pin: 0, position: 0 },
            false => Verdict::Refused { code: Code::CtNotSatisfied, domain: None },
        };
        Decision { verdict, generation: 0, ct_list_stale }
    };
    let by_proof = |site: &SiteCertificate| {
        let chain = Chain { leaf: site.leaf(), intermediates: &site.chain[1..] };
        decide_by_proof(&chain, HOST, PlatformVerdict::Accepted, Some(&config), START, &decide_ct)
    };
    assert!(by_proof(&site).is_allowed());
    let (_, _, forged) = hierarchy("Evil");
    let padded = forged.padded_with(intermediate.certificate());
    assert_eq!(by_proof(&padded).code(), Some(Code::CtNotSatisfied));
}

#[test]
fn finds_the_pinned_one_of_two_cross_signed_paths() {
    let (old_root, intermediate, mut site) = hierarchy("Old");
    let new_root = Authority::root("New Root");
    site.chain.push(new_root.cross_sign(&intermediate));
    let roots = trusting(&[&old_root, &new_root]);
    for pinned in [&old_root, &new_root] {
        let config = config(vec![issuer_pin(pinned.certificate())]);
        assert_eq!(position(&by_roots(&config, &roots, &site)), 2);
    }
    let cross_signed = site.chain[2].clone();
    let config = config(vec![pin(&cross_signed, PinType::CertSha256, PinMatch::Issuer)]);
    assert_eq!(position(&by_proof(&config, &site)), 1);
}

#[test]
fn order_does_not_matter_but_a_missing_intermediate_does() {
    let root = Authority::root("Root");
    let intermediate = root.subordinate("One").subordinate("Two");
    let mut site = intermediate.issue(&[HOST]);
    let config = config(vec![issuer_pin(intermediate.certificate())]);
    let roots = trusting(&[&root]);
    site.chain.swap(1, 2);
    assert_eq!(position(&by_roots(&config, &roots, &site)), 1);
    assert_eq!(position(&by_proof(&config, &site)), 1);

    let leaf_only = SiteCertificate { chain: vec![site.leaf().clone()], key: site.key.clone_key() };
    assert_eq!(by_roots(&config, &roots, &leaf_only).code(), Some(Code::PlatformRejected));
    assert_eq!(by_proof(&config, &leaf_only).code(), Some(Code::PinMismatch));
}

#[test]
fn a_pin_saves_no_chain_that_the_platform_refuses() {
    let (root, intermediate, _) = hierarchy("Good");
    let expired = intermediate.issue_expired(&[HOST]);
    let elsewhere = intermediate.issue(&["other.example.test"]);
    let unknown = Authority::root("Unknown").issue(&[HOST]);
    let roots = trusting(&[&root]);
    for site in [&expired, &elsewhere, &unknown] {
        let config = config(vec![leaf_pin(site.leaf()), issuer_pin(intermediate.certificate())]);
        assert_eq!(by_roots(&config, &roots, site).code(), Some(Code::PlatformRejected));
        let refused = with_chain(&config, site, |chain, decide| {
            decide_by_proof(chain, HOST, PlatformVerdict::Refused, Some(&config), START, decide)
        });
        assert_eq!(refused.code(), Some(Code::PlatformRejected));
    }
}

#[test]
fn unreadable_certificates_are_refused_as_such() {
    let (root, _, site) = hierarchy("Good");
    let config = config(vec![leaf_pin(site.leaf())]);
    let garbage = SiteCertificate { chain: vec![CertificateDer::from(vec![0x30, 0x00])], key: site.key.clone_key() };
    assert_eq!(by_roots(&config, &trusting(&[&root]), &garbage).code(), Some(Code::CertificateUnparsable));
    assert_eq!(by_proof(&config, &garbage).code(), Some(Code::CertificateUnparsable));
    // Garbage after a good chain hurts nobody.
    let followed = site.padded_with(&CertificateDer::from(vec![0x30, 0x00]));
    assert_eq!(position(&by_roots(&config, &trusting(&[&root]), &followed)), 0);
}

#[test]
fn pins_alone_suffice_where_the_entry_says_so() {
    let site = SiteCertificate::self_signed(&[HOST]);
    let project = Project::new(&["https://cdn.example.test"]);
    let bytes = project.config_with(1, |claims| {
        let mut domain = domain(HOST, vec![leaf_pin(site.leaf())]);
        domain.trust = pintle_core::claims::Trust::Pins;
        claims.domains = vec![domain];
    });
    let config = verify(&bytes, project.root(), &State::default(), START).unwrap().config;
    assert_eq!(position(&by_roots(&config, &Roots::default(), &site)), 0);
    let other = SiteCertificate::self_signed(&[HOST]);
    assert_eq!(by_roots(&config, &Roots::default(), &other).code(), Some(Code::PinMismatch));
}

#[test]
fn dates_count_at_the_time_given_not_at_the_machines() {
    let (root, intermediate, _) = hierarchy("Good");
    let expired = intermediate.issue_expired(&[HOST]);
    let config = config(vec![leaf_pin(expired.leaf())]);
    let in_1999 = UnixTime::from_secs(930_000_000);
    let decision = with_chain(&config, &expired, |chain, decide| {
        decide_by_roots(chain, HOST, &trusting(&[&root]), in_1999, decide)
    });
    assert_eq!(position(&decision), 0);
}
