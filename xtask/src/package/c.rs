//! The C library as a tarball: unpacked somewhere, found by pkg-config, and used as its README says.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::trial::try_app;
use super::{Build, Made, pack, refuse_door};
use crate::workshop::{Workshop, show};

pub(super) fn make(workshop: &Workshop, out: &Path, scratch: &Path, how: Build) -> Result<Made> {
    for kind in ["cdylib", "staticlib"] {
        // One kind at a time: beside the `rlib` of its tests Cargo leaves LTO away, which makes it a third larger.
        let mut build = workshop.cargo();
        build.args(["rustc", "--locked", "--profile", how.profile(), "--package", "pintle-c", "--crate-type", kind]);
        show(build)?;
    }
    let stage = scratch.join("c/stage");
    let mut install = workshop.command("make");
    install.args(["-C", "bindings/c", "install", "PREFIX=/pintle-c"]).arg(format!("DESTDIR={}", stage.display()));
    install.arg(format!("BUILT={}", how.built(workshop).display()));
    show(install)?;
    let file = out.join("pintle-c.tar.gz");
    pack(workshop, &file, &stage, "pintle-c")?;
    let mut unpack = workshop.command("tar");
    unpack.arg("-xzf").arg(&file).arg("-C").arg(scratch.join("c"));
    show(unpack)?;
    let library = scratch.join("c/pintle-c/lib/libpintle_c.so");
    refuse_door(&library)?;
    run_readme(workshop, &scratch.join("c"))?;
    Ok(Made { file, library: Some(library) })
}

/// The README's command line, with the example that its quick start is from.
fn run_readme(workshop: &Workshop, folder: &Path) -> Result<()> {
    let project = folder.join("app");
    fs::create_dir_all(&project)?;
    fs::copy(workshop.path("examples/c/curl_get.c"), project.join("curl_get.c"))?;
    let readme = fs::read_to_string(workshop.path("bindings/c/README.md"))?;
    let lines = readme.lines().skip_while(|line| !line.starts_with("    adapters="));
    let lines: Vec<&str> = lines.take_while(|line| !line.contains("./curl_get")).collect();
    let mut compile = workshop.command("sh");
    compile.current_dir(&project).args(["-euc", &lines.join("\n")]);
    compile.env("PKG_CONFIG_PATH", folder.join("pintle-c/lib/pkgconfig"));
    show(compile).context("the README's command line")?;
    try_app(workshop, &project, |trial| {
        let mut run = workshop.command(project.join("curl_get"));
        run.arg(&trial.bundle).arg(&trial.url).env("SSL_CERT_FILE", &trial.ca);
        run.env("LD_LIBRARY_PATH", folder.join("pintle-c/lib"));
        Ok(run)
    })
}
