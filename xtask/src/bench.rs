//! `cargo xtask bench`: builds `benches/` as what ships is built, and runs it.

use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::workshop::Workshop;

/// Exit status 1 if a limit is missed.
pub(crate) fn run(workshop: &Workshop) -> Result<ExitCode> {
    let mut command = workshop.cargo();
    command.current_dir(workshop.path("benches")).args(["run", "--release", "--locked", "--quiet"]);
    let status = command.status().context("cannot start cargo")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
