//! `cargo xtask bench core`: each figure beside its physical limit, measured in the same run; exit status 1 if one is
//! missed.

mod allocations;
mod fixture;
mod measure;

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
    hint::black_box,
    process::ExitCode,
};

use pintle_core::{
    Connection, Installation, Mode, State, VerifiedConfig,
    claims::Claims,
    ct::SctMemo,
    decide,
    decide::{Configuration, PathCertificate, PlatformVerdict},
    verify,
};
use ring::{digest, signature};
use serde::de::IgnoredAny;

use fixture::{Chain, NOW, Project};
use measure::{Row, fastest_of};

/// What the decision may cost at most, whatever the limit costs.
const MAX_DECISION_NANOS: f64 = 1000.0;

fn main() -> ExitCode {
    let project = Project::new();
    let rows = [verify_row(&project, 1_000, 1.25), verify_row(&project, 10_000, 1.4), parse_row(&project)]
        .into_iter()
        .chain(decision_rows(&project))
        .chain(sct_rows(&project));
    let missed = rows.map(|row| row.print()).filter(|met| !met).count();
    if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The whole of section 3 against one signature check, which hashes its input itself.
fn verify_row(project: &Project, bytes: usize, allowed: f64) -> Row {
    let file = project.make_file_of(bytes);
    let parts = file.parts();
    let key = signature::UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, &project.point);
    let [limit, ours] = fastest_of(
        5,
        [&mut || key.verify(black_box(parts.signing_input), &parts.signature).expect("signed"), &mut || {
            let accepted = verify(black_box(file.as_bytes()), &project.root, &State::default(), NOW).expect("valid");
            drop(black_box(accepted));
        }],
    );
    let name = format!("verify {} bytes", file.as_bytes().len());
    Row::ratio(name, "raw P-256 verification with its SHA-256", limit, ours, allowed)
}

/// Claims out of their bytes against the least that serde_json can do with them: find where they end.
fn parse_row(project: &Project) -> Row {
    let claims = project.make_claims(10_000, 3);
    let [limit, ours] = fastest_of(
        1,
        [
            &mut || {
                let read: IgnoredAny = serde_json::from_slice(black_box(&claims)).expect("JSON");
                black_box(read);
            },
            &mut || drop(black_box(Claims::parse(black_box(&claims)).expect("claims"))),
        ],
    );
    Row::ratio("parse 30,000 pins".into(), "serde_json skipping over the same bytes", limit, ours, 10.0)
}

fn decision_rows(project: &Project) -> Vec<Row> {
    const DOMAINS: usize = 10_000;
    let chain = Chain::new();
    let config = project.make_config(DOMAINS, &chain);
    let hosts = fixture::hosts(DOMAINS);
    let map: HashMap<String, usize> = hosts.iter().cloned().zip(0..).collect();
    let presented = [chain.leaf.as_slice(), &chain.intermediate];
    let path = [&chain.leaf, &chain.intermediate, &chain.root].map(|der| PathCertificate::Certificate(der));
    let ask = |host: &str| decide_pinned(&config, host, &presented, &path, None);
    // A prime stride visits every host, and no cache line helps the next.
    let order: Vec<&str> = (0..DOMAINS).map(|turn| hosts[turn * 7919 % DOMAINS].as_str()).collect();
    // Half of them apart: neither finds in the cache what the other has just looked up.
    let (mut for_limit, mut for_ours) = (order.iter().cycle(), order.iter().cycle().skip(DOMAINS / 2));
    let [limit, ours] = fastest_of(
        DOMAINS / 10,
        [
            &mut || {
                let host = *for_limit.next().expect("endless");
                black_box(digest::digest(&digest::SHA256, black_box(&chain.spki)));
                black_box(map.get(black_box(host)));
            },
            &mut || ask(for_ours.next().expect("endless")),
        ],
    );
    let allocated = allocations::count(|| ask(&hosts[1]));
    vec![
        Row::ratio("decide, 10,000 domains".into(), "SHA-256 of the SPKI and one hash-map look-up", limit, ours, 3.0),
        Row::most("decide, absolute", "ns", ours, MAX_DECISION_NANOS),
        Row::most("decide, allocations", "", allocated as f64, 0.0),
    ]
}

/// A decision that wants the SCTs of both logs verified: one signature check each, and none once they are remembered.
fn sct_rows(project: &Project) -> [Row; 2] {
    let chain = Chain::new();
    let config = project.make_ct_config(&chain);
    let [host] = &fixture::hosts(1)[..] else { unreachable!("one was asked for") };
    let presented = [chain.leaf.as_slice(), &chain.intermediate];
    let path = [&chain.leaf, &chain.intermediate, &chain.root].map(|der| PathCertificate::Certificate(der));
    let ask = |memo: &dyn SctMemo| decide_pinned(&config, host, &presented, &path, Some(memo));
    // What a log signs is the leaf but for the list: about as much as this file holds.
    let file = project.make_file_of(chain.leaf.len());
    let parts = file.parts();
    let key = signature::UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, &project.point);
    let filled = Memo::default();
    ask(&filled);
    let [check, first, known] = fastest_of(
        5,
        [
            &mut || key.verify(black_box(parts.signing_input), &parts.signature).expect("signed"),
            &mut || ask(&Memo::default()),
            &mut || ask(&filled),
        ],
    );
    let checks = chain.logs.len() as f64 * check;
    [
        Row::ratio("decide, two new SCTs".into(), "two raw P-256 verifications", checks, first, 1.1),
        Row::ratio("decide, two known SCTs".into(), "one raw P-256 verification", check, known, 0.1),
    ]
}

/// Remembers everything, for as long as it lives.
#[derive(Debug, Default)]
struct Memo(RefCell<HashSet<[u8; 32]>>);

impl SctMemo for Memo {
    fn holds(&self, signed_sct: &[u8; 32]) -> bool {
        self.0.borrow().contains(signed_sct)
    }

    fn remember(&self, signed_sct: [u8; 32]) {
        self.0.borrow_mut().insert(signed_sct);
    }
}

fn decide_pinned(
    config: &VerifiedConfig,
    host: &str,
    presented: &[&[u8]],
    path: &[PathCertificate<'_>],
    memo: Option<&dyn SctMemo>,
) {
    let connection = Connection::new(black_box(host), black_box(presented))
        .with_verified_path(black_box(path))
        .with_platform_verdict(PlatformVerdict::Accepted);
    let connection = match memo {
        Some(memo) => connection.with_sct_memo(memo),
        None => connection,
    };
    let installation = Installation { mode: Mode::Strict, draw: None, generation: 1 };
    let decision = decide(&connection, Configuration::Active(config), &installation, NOW);
    assert!(decision.is_allowed());
    drop(black_box(decision));
}
