//! Runs the planned steps and says how each ended.

use std::collections::BTreeSet;
use std::fs;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::plan::{self, Preparation, Step, Tier};
use crate::setup::{self, Tool};
use crate::workshop::{Program, Run, Workshop, read};

/// How a step ended.
enum Ending {
    Passed,
    Failed { why: String },
    Skipped { why: String },
}

struct Report {
    step: &'static str,
    ending: Ending,
    took: Duration,
    skipped_tests: Vec<String>,
}

/// Exit status 1 if any step failed.
pub(crate) fn run(workshop: &Workshop, tier: Tier, names: &[String]) -> Result<ExitCode> {
    let plan = plan::make_plan(tier, names, &workshop.members()?)?;
    let tools: BTreeSet<Tool> = plan.iter().flat_map(|step| step.needs).copied().collect();
    let mut reports = Vec::new();
    if !tools.is_empty() {
        reports.push(report("setup", |_| setup::install(workshop, tools).map(|()| Ending::Passed)));
    }
    for step in &plan {
        reports.push(report(step.name, |skipped_tests| take(workshop, step, skipped_tests)));
    }
    print_summary(&reports);
    let any_failed = reports.iter().any(|report| matches!(report.ending, Ending::Failed { .. }));
    Ok(if any_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn report(step: &'static str, take: impl FnOnce(&mut Vec<String>) -> Result<Ending>) -> Report {
    println!("\n==== {step}");
    let start = Instant::now();
    let mut skipped_tests = Vec::new();
    let ending = take(&mut skipped_tests).unwrap_or_else(|error| Ending::Failed { why: format!("{error:#}") });
    let took = start.elapsed();
    println!("==== {step}: {} after {:.1} s", ending.word(), took.as_secs_f64());
    Report { step, ending, took, skipped_tests }
}

fn take(workshop: &Workshop, step: &Step, skipped_tests: &mut Vec<String>) -> Result<Ending> {
    if let Some(preparation) = step.preparation
        && let Some(skipped) = prepare(workshop, preparation)?
    {
        return Ok(skipped);
    }
    for run in &step.runs {
        println!("  {run}");
        let outcome = workshop.run(run)?;
        skipped_tests.extend(outcome.skips);
        if !outcome.succeeded {
            return Ok(Ending::Failed { why: format!("this failed: {run}") });
        }
    }
    Ok(Ending::Passed)
}

/// The step's ending, if it cannot run here.
fn prepare(workshop: &Workshop, preparation: Preparation) -> Result<Option<Ending>> {
    match preparation {
        Preparation::FetchAdvisories => {
            let fetched = read(workshop.command_of(&Run::parse(Program::CargoDeny, "fetch db")));
            Ok(fetched.err().map(|error| {
                // cargo-deny tells a long story; its last line is the cause.
                let cause = error.to_string().lines().last().unwrap_or_default().to_owned();
                Ending::Skipped { why: format!("the advisory database is out of reach: {cause}") }
            }))
        }
        Preparation::EnterSwift => Ok(setup::swift_is_forbidden(workshop).map(|why| Ending::Skipped { why })),
        Preparation::FindPhones => Ok(setup::phones_are_missing(workshop).map(|why| Ending::Skipped { why })),
        Preparation::CopyLockFile => {
            let (ours, theirs) = (workshop.path("Cargo.lock"), workshop.path("xtask/no-std-check/Cargo.lock"));
            fs::copy(&ours, &theirs)
                .with_context(|| format!("cannot copy {} to {}", ours.display(), theirs.display()))?;
            Ok(None)
        }
    }
}

impl Ending {
    fn word(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed { .. } => "FAILED",
            Self::Skipped { .. } => "skipped",
        }
    }
}

fn print_summary(reports: &[Report]) {
    println!("\n{:<16} {:<8} {:>8}", "step", "result", "time");
    for report in reports {
        println!("{:<16} {:<8} {:>6.1} s", report.step, report.ending.word(), report.took.as_secs_f64());
    }
    for report in reports {
        if let Ending::Failed { why } | Ending::Skipped { why } = &report.ending {
            println!("{} {}: {why}", report.ending.word(), report.step);
        }
        for test in &report.skipped_tests {
            println!("skipped test in {}: {test}", report.step);
        }
    }
}
