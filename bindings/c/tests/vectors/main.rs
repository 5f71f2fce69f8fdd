//! Runs `vectors/` through the C ABI: one test per case.
//!
//! Time, chance and what is kept on disk are the runner's, by the door that ships in no library; everything else goes the
//! way an app goes: `pintle_open`, `pintle_next`, `pintle_answer`, `pintle_check`, the listener.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test: broken vectors stop it"
)]

mod cases;
mod installation;
mod scenario;

use std::{collections::BTreeMap, io::Write as _, process::ExitCode};

use libtest_mimic::{Arguments, Failed, Trial};
use pintle_c::pintle_protocol_level;
use pintle_testkit::vectors::{Case, Exception, Suite, load};
use serde_json::Value;

/// Cases that no function of this library asks, each with its reason.
const SKIPPED: &str = include_str!("skipped.json");

/// Kind, suite or `suite/case` to the reason.
type Reasons = BTreeMap<String, String>;

fn main() -> ExitCode {
    let skipped: Vec<Exception> = serde_json::from_str(SKIPPED).expect("skipped.json");
    let reasons: Reasons = skipped.into_iter().map(|exception| (exception.of, exception.reason)).collect();
    let suites = load();
    let mut trials = Vec::new();
    for suite in &suites {
        // Whole kinds are asked of the core; of the others, single cases may be out of reach.
        if let Some(reason) = reasons.get(&suite.kind).or_else(|| reasons.get(&suite.name)).cloned() {
            let name = suite.name.clone();
            trials.push(Trial::test(name.clone(), move || skip(&name, &reason)));
            continue;
        }
        for case in &suite.cases {
            assert!(case.level <= pintle_protocol_level(), "{}: this library speaks every level there is", case.name);
            trials.push(make_trial(suite, case, &reasons));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn make_trial(suite: &Suite, case: &Case, reasons: &Reasons) -> Trial {
    let name = format!("{}/{}", suite.name, case.name);
    let reason = reasons.get(&name).cloned();
    let (shared, case, kind) = (Value::Object(suite.shared.clone()), case.clone(), suite.kind.clone());
    Trial::test(name.clone(), move || {
        let outcome = match kind.as_str() {
            "scenario" => scenario::run(&case, &shared),
            kind => cases::run(kind, &case, &shared),
        };
        match (outcome, reason) {
            (outcome, None) => outcome,
            (Ok(()), Some(reason)) => Err(format!("passes, but is skipped: {reason}").into()),
            (Err(_), Some(reason)) => skip(&name, &reason),
        }
    })
}

fn skip(name: &str, reason: &str) -> Result<(), Failed> {
    writeln!(std::io::stderr(), "SKIPPED: {name}: {reason}").map_err(|error| error.to_string().into())
}
