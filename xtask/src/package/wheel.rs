//! The wheel, installed beside nothing else, where the blocks of its README and the example run.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::trial::{Server, blocks, try_app};
use super::{Build, Made, take_only};
use crate::workshop::{Workshop, show};
use crate::{notices, sbom, shipping};

pub(super) fn make(workshop: &Workshop, out: &Path, scratch: &Path, how: Build) -> Result<Made> {
    let site = build(workshop, how, scratch)?;
    let file = take_only(&scratch.join("wheels"), out)?;
    let library = site.join("pintle/_native.abi3.so");
    how.inspect(workshop, &site, &[&library])?;
    notices::expect(&site.join("pintle-0.1.0.dist-info/licenses"))?;
    run_readme(workshop, &scratch.join("python"), &site)?;
    try_app(workshop, &scratch.join("python"), |trial| {
        let mut run = workshop.command(python(workshop));
        run.arg(workshop.path("examples/python/app.py")).arg(&trial.bundle).arg(&trial.url);
        run.env("PYTHONPATH", &site).env("SSL_CERT_FILE", &trial.ca);
        Ok(run)
    })?;
    Ok(Made { file, library: Some(library) })
}

fn python(workshop: &Workshop) -> PathBuf {
    workshop.tools().join("venv/bin/python")
}

/// Puts the wheel into `scratch`/wheels, and what it installs into the folder that this returns.
pub(crate) fn build(workshop: &Workshop, how: Build, scratch: &Path) -> Result<PathBuf> {
    let options: &[&str] = match how {
        // Linked by zig against glibc 2.17, so that the tag that says so is true: maturin looks at what the library asks for.
        Build::Shipped => &["--profile", "sdk", "--zig", "--compatibility", "manylinux2014"],
        // Like the tests' own, for the machine it is built on.
        Build::Quick => &["--profile", "dev", "--auditwheel", "skip"],
    };
    // Where `license-files` of pyproject.toml are looked for.
    notices::write(workshop, "pintle-python", &shipping::host(workshop)?, &workshop.path("bindings/python"))?;
    let (wheels, site) = (scratch.join("wheels"), scratch.join("site"));
    for folder in [&wheels, &site] {
        if folder.exists() {
            fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
        }
    }
    let mut build = workshop.command(python(workshop));
    build.args(["-m", "maturin", "build", "--quiet", "--locked"]).args(options);
    how.prepare(workshop, &mut build)?;
    // Where it looks for zig.
    build.env("PATH", workshop.path_with_tools()?);
    // maturin's own names folders of this machine.
    let bill = scratch.join("pintle-python.cdx.json");
    sbom::write(workshop, "pintle-python", &shipping::host(workshop)?, &bill)?;
    build.arg("--sbom-include").arg(bill);
    build.args(["--manifest-path", "bindings/python/Cargo.toml", "--interpreter"]).arg(python(workshop));
    build.arg("--out").arg(&wheels);
    show(build)?;
    let mut install = workshop.command(python(workshop));
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", "--no-deps"]);
    install.arg("--find-links").arg(&wheels).arg("--target").arg(&site).arg("pintle");
    show(install)?;
    Ok(site)
}

/// The blocks as they stand, but for where they ask and that the configuration lies on this machine.
fn run_readme(workshop: &Workshop, project: &Path, site: &Path) -> Result<()> {
    let mut server = Server::start(workshop, "pinned_leaf", project)?;
    let readme = fs::read_to_string(workshop.path("bindings/python/README.md"))?;
    let script = blocks(&readme, "python")
        .replace("https://api.example.com/", &format!("https://localhost:{}/", server.port))
        .replace("storage_dir=\"/var/lib/myapp/pins\"", "storage_dir=\"kept\", dangerous_allow_http_loopback=True");
    fs::write(project.join("readme.py"), script)?;
    let mut run = workshop.command(python(workshop));
    run.current_dir(project).arg("readme.py").env("PYTHONPATH", site).env("no_proxy", "*");
    run.env("SSL_CERT_FILE", project.join("ca.pem"));
    show(run).context("the README's blocks")?;
    let requests = server.requests()?;
    ensure!(requests == 6, "the README's blocks made {requests} requests");
    Ok(())
}
