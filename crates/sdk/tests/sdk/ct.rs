use std::{
    cell::{Cell, RefCell},
    collections::HashSet,
    sync::Arc,
};

use pintle_core::{
    Code, Connection, Decision, Installation, Mode, State, VerifiedConfig,
    claims::{CtPolicy, CtRequirement},
    ct::SctMemo,
    decide,
    decide::{Configuration, PlatformVerdict},
    verify,
};
use pintle_sdk::{
    Engine,
    rustls::{Refusal, Verifier},
};
use pintle_testkit::{
    certificate::{Authority, SiteCertificate, leaf_pin},
    clock::START,
    ct::{Log, ocsp_response, sct_list},
    project::{Project, domain},
};
use rustls::client::danger::ServerCertVerifier;
use rustls_pki_types::{ServerName, UnixTime};

use crate::{TestEnvironment, pinner::pinner_with, tls::Gullible};

const HOST: &str = "api.example.test";

/// A configuration that pins `certificates` and asks for verified SCTs of both logs.
fn file_with(project: &Project, certificates: &[&SiteCertificate], logs: [&Log; 2]) -> Vec<u8> {
    project.config_with(1, |claims| {
        claims.ct_logs = logs.map(Log::entry).into();
        claims.ct_logs_as_of = Some(claims.issued_at);
        let pins = certificates.iter().map(|certificate| leaf_pin(certificate.leaf())).collect();
        let mut entry = domain(HOST, pins);
        entry.ct = CtRequirement { policy: CtPolicy::Verified, ..CtRequirement::default() };
        claims.domains = vec![entry];
    })
}

#[test]
fn scts_of_a_stapled_ocsp_response_count() {
    let certificate = Authority::root("Any CA").issue(&[HOST]);
    let (a, b) = (Log::new("a"), Log::new("b"));
    let project = Project::new(&["https://a.example.test"]);
    let bytes = file_with(&project, &[&certificate], [&a, &b]);
    let engine = Engine::new(pinner_with(&project, &bytes), Arc::<TestEnvironment>::default(), || ());
    let verifier = Verifier::wrapping(engine, Arc::new(Gullible));
    let name = ServerName::try_from(HOST).unwrap();
    let handshake = |stapled: &[u8]| {
        let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(START.as_secs()));
        let (leaf, rest) = certificate.chain.split_first().unwrap();
        let decided = verifier.verify_server_cert(leaf, rest, &name, stapled, now);
        decided.map(drop).map_err(|error| Refusal::find(&error).unwrap().code)
    };
    let both = sct_list(&[a.sct(certificate.leaf(), START), b.sct(certificate.leaf(), START)]);
    assert_eq!(handshake(&ocsp_response(&both)), Ok(()));
    let one = sct_list(&[a.sct(certificate.leaf(), START)]);
    for stapled in [&[][..], b"not OCSP", &ocsp_response(&one)] {
        // A newer release may ask for less: what Certificate Transparency refuses is asked for anew (P-4.11).
        assert_eq!(handshake(stapled), Err(Code::RetryAfterRefresh));
    }
}

/// Asked before every signature check, told of every one that succeeded.
#[derive(Debug, Default)]
struct CountingMemo {
    known: RefCell<HashSet<[u8; 32]>>,
    checks: Cell<usize>,
}

impl SctMemo for CountingMemo {
    fn holds(&self, signed_sct: &[u8; 32]) -> bool {
        let holds = self.known.borrow().contains(signed_sct);
        self.checks.set(self.checks.get() + usize::from(!holds));
        holds
    }

    fn remember(&self, signed_sct: [u8; 32]) {
        assert!(self.known.borrow_mut().insert(signed_sct), "checked although it was known");
    }
}

/// Claims to know whatever it is asked.
#[derive(Debug)]
struct LyingMemo;

impl SctMemo for LyingMemo {
    fn holds(&self, _: &[u8; 32]) -> bool {
        true
    }

    fn remember(&self, _: [u8; 32]) {
        panic!("a signature was checked although it was known");
    }
}

#[test]
fn an_sct_costs_one_signature_check_as_long_as_it_is_remembered() {
    let authority = Authority::root("Any CA");
    let (certificate, other) = (authority.issue(&[HOST]), authority.issue(&[HOST]));
    let logs @ [a, b] = [&Log::new("a"), &Log::new("b")];
    let project = Project::new(&["https://a.example.test"]);
    let file = file_with(&project, &[&certificate, &other], logs);
    let config = verify(&file, project.root(), &State::default(), START).unwrap().config;
    let ask = |scts: &[u8], memo: &dyn SctMemo| decide_with(&config, &certificate, scts, memo);
    let list = |of: &SiteCertificate| sct_list(&logs.map(|log| log.sct(of.leaf(), START)));

    let memo = CountingMemo::default();
    let both = list(&certificate);
    for checks in [2, 2] {
        assert!(ask(&both, &memo).is_allowed());
        assert_eq!(memo.checks.get(), checks);
    }
    // What does not verify is not remembered.
    let foreign = list(&other);
    for checks in [4, 6] {
        assert_eq!(ask(&foreign, &memo).code(), Some(Code::CtNotSatisfied));
        assert_eq!(memo.checks.get(), checks);
    }
    // Remembered is the whole: a known SCT says nothing of another certificate.
    assert_eq!(decide_with(&config, &other, &both, &memo).code(), Some(Code::CtNotSatisfied));
    assert_eq!(memo.checks.get(), 8);
    // What is known is not checked.
    assert!(ask(&foreign, &LyingMemo).is_allowed());
    // Nor is anything else taken from memory: one log is not enough, whoever remembers it.
    let one = sct_list(&[a.sct(certificate.leaf(), START), a.sct(certificate.leaf(), START)]);
    assert_eq!(ask(&one, &LyingMemo).code(), Some(Code::CtNotSatisfied));
    let late = START.saturating_add_secs(2 * 3600);
    let early = sct_list(&[a.sct(certificate.leaf(), late), b.sct(certificate.leaf(), late)]);
    assert_eq!(ask(&early, &LyingMemo).code(), Some(Code::CtNotSatisfied));
}

fn decide_with(config: &VerifiedConfig, certificate: &SiteCertificate, scts: &[u8], memo: &dyn SctMemo) -> Decision {
    let presented = [certificate.leaf().as_ref()];
    let connection = Connection::new(HOST, &presented)
        .with_platform_verdict(PlatformVerdict::Accepted)
        .with_scts(Some(scts), None)
        .with_sct_memo(memo);
    let installation = Installation { mode: Mode::Strict, draw: None, generation: 1 };
    decide(&connection, Configuration::Active(config), &installation, START)
}
