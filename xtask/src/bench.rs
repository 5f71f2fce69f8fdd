//! `cargo xtask bench`: builds what ships, optimised as it ships or less, and measures it.

mod sdk;

use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::{setup, workshop::Workshop};

/// `benches/`: the core beside its physical limits. Exit status 1 if a limit is missed.
pub(crate) fn run_core(workshop: &Workshop) -> Result<ExitCode> {
    let mut command = workshop.cargo();
    command.current_dir(workshop.path("benches")).args(["run", "--release", "--locked", "--quiet"]);
    let status = command.status().context("cannot start cargo")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// `benches/sdk/`: each language's package. Exit status 1 if a limit is missed.
pub(crate) fn run_sdk(workshop: &Workshop) -> Result<ExitCode> {
    Ok(if sdk::run(workshop)? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The built-in origin as the only backend of a CDN. Exit status 1 if it could not be that of many projects.
pub(crate) fn run_origin(workshop: &Workshop) -> Result<ExitCode> {
    setup::install(workshop, [setup::Tool::Debian, setup::Tool::Load])?;
    run_ignored(workshop, "--package pintle-server --test it origin_speed")
}

/// Ten thousand domains watched for hours. Exit status 1 if looks are late or bunched, the processor is busy, or memory grows.
pub(crate) fn run_monitor(workshop: &Workshop) -> Result<ExitCode> {
    run_ignored(workshop, "--package pintle-service --test it drift_scale")
}

/// How quick the dashboard is, built by the `release` profile: `dist`, which ships, is optimised further. Exit status 1 if a page is not.
pub(crate) fn run_pages(workshop: &Workshop) -> Result<ExitCode> {
    let build = "build --release --locked --quiet --package pintle --all-features";
    if !run(workshop, build)? {
        return Ok(ExitCode::FAILURE);
    }
    run_ignored(workshop, "--package pintle-e2e --test browser thousand_domains")
}

/// A measurement that is written as a test.
fn run_ignored(workshop: &Workshop, which: &str) -> Result<ExitCode> {
    let line = format!("test --release --locked --quiet {which} -- --ignored --nocapture");
    Ok(if run(workshop, &line)? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn run(workshop: &Workshop, line: &str) -> Result<bool> {
    Ok(workshop.cargo().args(line.split(' ')).status().context("cannot start cargo")?.success())
}
