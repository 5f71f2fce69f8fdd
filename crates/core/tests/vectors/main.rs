//! Runs `vectors/` against this implementation: one test per case, so that a failure names its case and a filter
//! (`cargo test -p pintle-core --test vectors succession`) picks some.
#![expect(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test: broken vectors stop it")]

mod decide;
mod material;
mod parts;
mod verify;

use std::{collections::BTreeMap, io::Write as _, process::ExitCode};

use libtest_mimic::{Arguments, Failed, Trial};
use pintle_core::PROTOCOL_LEVEL;
use pintle_testkit::vectors::{Case, Exception, Suite, load};
use serde_json::Value;

use material::Material;

/// Kinds of cases for an SDK, and for those who publish.
const ASKED_ELSEWHERE: [&str; 3] = ["scenario", "object", "authoring"];

/// Cases this implementation does not pass yet, each with its reason.
const SKIPPED: &str = include_str!("skipped.json");

fn main() -> ExitCode {
    let skipped: Vec<Exception> = serde_json::from_str(SKIPPED).expect("skipped.json");
    let mut reasons: BTreeMap<_, _> = skipped.into_iter().map(|exception| (exception.of, exception.reason)).collect();
    let mut trials = Vec::new();
    for suite in load().into_iter().filter(|suite| !ASKED_ELSEWHERE.contains(&&*suite.kind)) {
        let material = Material::of(&suite);
        for case in &suite.cases {
            let name = format!("{}/{}", suite.name, case.name);
            let reason = reasons.remove(&name).or_else(|| above_our_level(case));
            trials.push(make_trial(name, &suite, case.clone(), material.clone(), reason));
        }
    }
    assert!(reasons.is_empty(), "skipped.json names cases that do not exist: {reasons:?}");
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn above_our_level(case: &Case) -> Option<String> {
    let level = case.level;
    (level > PROTOCOL_LEVEL).then(|| format!("of level {level}; this implementation is of level {PROTOCOL_LEVEL}"))
}

fn make_trial(name: String, suite: &Suite, case: Case, material: Material, reason: Option<String>) -> Trial {
    let kind = suite.kind.clone();
    let title = name.clone();
    Trial::test(name, move || {
        let outcome = compare(&kind, &case, &material);
        match (outcome, reason) {
            (outcome, None) => outcome,
            (Ok(()), Some(reason)) => {
                Err(format!("passes, but is skipped: {reason}. Take it out of skipped.json.").into())
            }
            (Err(_), Some(reason)) => {
                let mut stderr = std::io::stderr();
                writeln!(stderr, "SKIPPED: {title}: {reason}").map_err(|error| error.to_string().into())
            }
        }
    })
}

fn compare(kind: &str, case: &Case, material: &Material) -> Result<(), Failed> {
    let answer = match kind {
        "verify" => verify::answer(&case.input, material),
        "decide" => decide::answer(&case.input, material),
        "match" => decide::answer_match(&case.input, material),
        "setup" => parts::answer_setup(&case.input),
        "host" => parts::answer_host(&case.input),
        "certificate" => parts::answer_certificate(&case.input),
        "sct_list" => parts::answer_sct_list(&case.input),
        "ocsp" => parts::answer_ocsp(&case.input),
        "precertificate" => parts::answer_precertificate(&case.input),
        "codes" => parts::answer_codes(),
        other => Value::from(format!("no such kind of case: {other}")),
    };
    if answer == case.expect { Ok(()) } else { Err(format!("expected {}\n     got {answer}", case.expect).into()) }
}
