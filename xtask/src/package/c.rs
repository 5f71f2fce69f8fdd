//! The C library as a tarball: unpacked somewhere, found by pkg-config, and used as its README says.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::trial::try_app;
use super::{Build, Made, pack};
use crate::workshop::{Workshop, show};
use crate::{notices, shipping};

pub(super) fn make(workshop: &Workshop, out: &Path, scratch: &Path, how: Build) -> Result<Made> {
    for kind in ["cdylib", "staticlib"] {
        // One kind at a time: beside the `rlib` of its tests Cargo leaves LTO away, which makes it a third larger.
        let mut build = workshop.cargo();
        build.args(["rustc", "--locked", "--profile", how.profile(), "--package", "pintle-c", "--crate-type", kind]);
        how.prepare(workshop, &mut build)?;
        show(build)?;
    }
    let stage = scratch.join("c/stage");
    let mut install = workshop.command("make");
    install.args(["-C", "bindings/c", "install", "PREFIX=/pintle-c"]).arg(format!("DESTDIR={}", stage.display()));
    install.arg(format!("BUILT={}", how.built(workshop).display()));
    show(install)?;
    notices::write(workshop, "pintle-c", &shipping::host(workshop)?, &stage.join("pintle-c"))?;
    let file = out.join("pintle-c.tar.gz");
    pack(workshop, &file, &stage, "pintle-c")?;
    let mut unpack = workshop.command("tar");
    unpack.arg("-xzf").arg(&file).arg("-C").arg(scratch.join("c"));
    show(unpack)?;
    let unpacked = scratch.join("c/pintle-c");
    notices::expect(&unpacked)?;
    let [library, for_linking] = ["lib/libpintle_c.so", "lib/libpintle_c.a"].map(|file| unpacked.join(file));
    how.inspect(workshop, &unpacked, &[&library, &for_linking])?;
    run_readme(workshop, &scratch.join("c"))?;
    Ok(Made { file, library: Some(library) })
}

/// The README's command lines, which compile the example that its quick start is from.
fn run_readme(workshop: &Workshop, folder: &Path) -> Result<()> {
    let readme = fs::read_to_string(workshop.path("bindings/c/README.md"))?;
    let lines = readme.lines().skip_while(|line| !line.starts_with("    export "));
    let lines: Vec<&str> = lines.take_while(|line| !line.contains("./curl_get")).collect();
    let mut compile = workshop.command("sh");
    compile.current_dir(folder).args(["-euc", &lines.join("\n")]);
    show(compile).context("the README's command line")?;
    try_app(workshop, folder, |trial| {
        let mut run = workshop.command(folder.join("curl_get"));
        // Cargo's own leads to libraries of the tests.
        run.arg(&trial.bundle).arg(&trial.url).env("SSL_CERT_FILE", &trial.ca).env_remove("LD_LIBRARY_PATH");
        Ok(run)
    })
}
