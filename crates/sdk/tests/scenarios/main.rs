//! Runs the scenarios of `vectors/` against this SDK: one test per case.
#![expect(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test: broken vectors stop it")]

mod installation;
mod material;
mod step;
mod world;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use pintle_core::PROTOCOL_LEVEL;
use pintle_testkit::vectors::{Case, load};
use serde_json::Value;

use installation::Installation;
use material::{Material, parse};
use step::Step;

fn main() -> ExitCode {
    let mut trials = Vec::new();
    for suite in load().into_iter().filter(|suite| suite.kind == "scenario") {
        let material = Material::of(&suite);
        for case in suite.cases {
            assert!(case.level <= PROTOCOL_LEVEL, "{}: this SDK speaks every level there is", case.name);
            let material = material.clone();
            trials.push(Trial::test(format!("{}/{}", suite.name, case.name), move || run(&case, &material)));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn run(case: &Case, material: &Material) -> Result<(), Failed> {
    let mut installation = Installation::new(material);
    for (number, step) in case.input["steps"].as_array().expect("steps").iter().enumerate() {
        let told = installation.take(&parse::<Step>(step));
        told.map_err(|told| format!("step {number}, {}:\nexpected {}\n     got {told}", step["do"], step["expect"]))?;
    }
    let persisted = installation.persisted();
    if persisted == case.expect {
        return Ok(());
    }
    Err(format!("persisted: expected {}\n     got {persisted}", case.expect).into())
}

/// What differs from the expectation, as a text for people.
type Difference = Value;
