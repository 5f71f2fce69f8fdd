//! `cargo xtask bench`: builds what ships, optimised as it ships or less, and measures it.

mod sdk;

use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::workshop::Workshop;

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

/// Ten thousand domains watched for hours. Exit status 1 if looks are late or bunched, the processor is busy, or memory grows.
pub(crate) fn run_monitor(workshop: &Workshop) -> Result<ExitCode> {
    let line =
        "test --release --locked --quiet --package pintle-service --test it drift_scale -- --ignored --nocapture";
    let status = workshop.cargo().args(line.split(' ')).status().context("cannot start cargo")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// How quick the dashboard is, built by the `release` profile: `dist`, which ships, is optimised further. Exit status 1 if a page is not.
pub(crate) fn run_pages(workshop: &Workshop) -> Result<ExitCode> {
    for line in [
        "build --release --locked --quiet --package pintle --all-features",
        "test --release --locked --quiet --package pintle-e2e --test browser thousand_domains -- --ignored --nocapture",
    ] {
        let status = workshop.cargo().args(line.split(' ')).status().context("cannot start cargo")?;
        if !status.success() {
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}
