use std::sync::Arc;

use pintle_core::{
    Code,
    claims::{CtPolicy, CtRequirement},
};
use pintle_sdk::{
    Engine,
    rustls::{Refusal, Verifier},
};
use pintle_testkit::{
    certificate::{Authority, leaf_pin},
    clock::START,
    ct::{Log, ocsp_response, sct_list},
    project::{Project, domain},
};
use rustls::client::danger::ServerCertVerifier;
use rustls_pki_types::{ServerName, UnixTime};

use crate::{TestEnvironment, pinner::pinner_with, tls::Gullible};

const HOST: &str = "api.example.test";

#[test]
fn scts_of_a_stapled_ocsp_response_count() {
    let certificate = Authority::root("Any CA").issue(&[HOST]);
    let (a, b) = (Log::new("a"), Log::new("b"));
    let project = Project::new(&["https://a.example.test"]);
    let bytes = project.config_with(1, |claims| {
        claims.ct_logs = vec![a.entry(), b.entry()];
        claims.ct_logs_as_of = Some(claims.issued_at);
        let mut entry = domain(HOST, vec![leaf_pin(certificate.leaf())]);
        entry.ct = CtRequirement { policy: CtPolicy::Verified, ..CtRequirement::default() };
        claims.domains = vec![entry];
    });
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
