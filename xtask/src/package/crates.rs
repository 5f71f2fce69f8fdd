//! The crates of the Rust SDK as `cargo publish` would send them, and the example built with what is in them.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::trial::try_app;
use super::{Build, Made};
use crate::workshop::{Workshop, show};

/// What an app links, each after what it stands on.
const CRATES: [&str; 3] = ["pintle-core", "pintle-path", "pintle-sdk"];
const VERSION: &str = env!("CARGO_PKG_VERSION");

pub(super) fn make(workshop: &Workshop, out: &Path, scratch: &Path, how: Build) -> Result<Vec<Made>> {
    let folder = scratch.join("rust");
    let mut package = workshop.cargo();
    package
        .args(["package", "--quiet", "--exclude-lockfile", "--no-verify", "--allow-dirty", "--target-dir"])
        .arg(&folder);
    package.args(CRATES.iter().flat_map(|name| ["--package", name]));
    show(package)?;
    let mut made = Vec::new();
    for name in CRATES {
        let packed = format!("{name}-{VERSION}.crate");
        let file = out.join(&packed);
        fs::copy(folder.join("package").join(&packed), &file).with_context(|| format!("cannot copy {packed}"))?;
        let mut unpack = workshop.command("tar");
        unpack.arg("-xzf").arg(&file).arg("-C").arg(&folder);
        show(unpack)?;
        for licence in ["LICENSE-MIT", "LICENSE-APACHE"] {
            let there = folder.join(format!("{name}-{VERSION}")).join(licence);
            ensure!(there.is_file(), "{packed} carries no {licence}: crates/ has a link to it for each crate");
        }
        made.push(Made { file, library: None });
    }
    // It is built with everything below it, which the workspace cannot lend.
    if how == Build::Shipped {
        run_example(workshop, &folder)?;
    }
    Ok(made)
}

/// As a project that found the crates in a registry.
fn run_example(workshop: &Workshop, folder: &Path) -> Result<()> {
    let project = folder.join("app");
    fs::create_dir_all(project.join("src"))?;
    let example = workshop.path("examples/rust");
    fs::copy(example.join("src/main.rs"), project.join("src/main.rs"))?;
    // The versions that the workspace is tested with.
    fs::copy(workshop.path("Cargo.lock"), project.join("Cargo.lock"))?;
    let manifest = fs::read_to_string(example.join("Cargo.toml"))?;
    let by_path = ", path = \"../../crates/sdk\"";
    ensure!(manifest.contains(by_path), "examples/rust/Cargo.toml names the SDK in another way");
    let patches: Vec<String> =
        CRATES.iter().map(|name| format!("{name} = {{ path = \"../{name}-{VERSION}\" }}")).collect();
    let manifest =
        format!("{}\n[workspace]\n\n[patch.crates-io]\n{}\n", manifest.replace(by_path, ""), patches.join("\n"));
    fs::write(project.join("Cargo.toml"), manifest)?;
    let mut build = workshop.cargo();
    build.current_dir(&project).args(["build", "--quiet", "--target-dir"]).arg(folder.join("target"));
    show(build)?;
    try_app(workshop, &project, |trial| {
        let mut run = workshop.command(folder.join("target/debug/app"));
        run.arg(&trial.bundle).arg(&trial.url).env("SSL_CERT_FILE", &trial.ca);
        Ok(run)
    })
}
