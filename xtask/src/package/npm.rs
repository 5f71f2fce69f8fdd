//! The npm package, with the addon of this platform: installed into an empty project, where the blocks of its README and the
//! example run.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::trial::{Server, blocks, try_app};
use super::{Build, Made, take_only};
use crate::workshop::{Workshop, read, show};
use crate::{notices, shipping};

pub(super) fn make(workshop: &Workshop, out: &Path, scratch: &Path, how: Build) -> Result<Made> {
    let built = how.library(workshop, "pintle-node")?;
    let package = scratch.join("npm");
    fs::create_dir_all(package.join("lib"))?;
    for file in ["package.json", "README.md"] {
        fs::copy(workshop.path("bindings/node").join(file), package.join(file))?;
    }
    for file in fs::read_dir(workshop.path("bindings/node/lib"))? {
        let file = file?;
        fs::copy(file.path(), package.join("lib").join(file.file_name()))?;
    }
    let mut ask = workshop.command("node");
    ask.args(["-p", "`pintle.${process.platform}-${process.arch}.node`"]);
    let library = package.join(read(ask)?.trim());
    fs::copy(&built, &library).with_context(|| format!("cannot copy {}", built.display()))?;
    notices::write(workshop, "pintle-node", &shipping::host(workshop)?, &package)?;
    how.inspect(workshop, &package, &[&library])?;
    let packed = scratch.join("packed");
    fs::create_dir_all(&packed)?;
    let mut pack = workshop.command("npm");
    pack.args(["pack", "--silent", "--pack-destination"]).arg(&packed).arg(&package);
    read(pack)?;
    let file = take_only(&packed, out)?;
    let project = scratch.join("project");
    fs::create_dir_all(&project)?;
    let mut install = workshop.command("npm");
    install.args(["install", "--silent", "--offline", "--no-audit", "--no-fund", "--prefix"]).arg(&project).arg(&file);
    read(install)?;
    notices::expect(&project.join("node_modules/pintle"))?;
    // Which the package leaves to the app.
    let undici = workshop.tools().join("node/node_modules/undici");
    symlink(undici, project.join("node_modules/undici")).context("cannot link undici")?;
    run_readme(workshop, &project)?;
    fs::copy(workshop.path("examples/node/app.js"), project.join("app.js"))?;
    try_app(workshop, &project, |trial| {
        let mut run = workshop.command("node");
        run.arg(project.join("app.js")).arg(&trial.bundle).arg(&trial.url);
        run.env("NODE_EXTRA_CA_CERTS", &trial.ca);
        Ok(run)
    })?;
    Ok(Made { file, library: Some(library) })
}

/// The blocks as they stand, but for where they ask and that the configuration lies on this machine.
fn run_readme(workshop: &Workshop, project: &Path) -> Result<()> {
    let mut server = Server::start(workshop, "pinned_leaf", project)?;
    let readme = fs::read_to_string(workshop.path("bindings/node/README.md"))?;
    let script = blocks(&readme, "js")
        .replace("https://api.example.com/", &format!("https://localhost:{}/", server.port))
        .replace("storageDir: '/var/lib/myapp/pins'", "storageDir: 'kept', dangerousAllowHttpLoopback: true");
    fs::write(project.join("readme.mjs"), format!("{script}\npins.close();\n"))?;
    let mut run = workshop.command("node");
    run.current_dir(project).arg("readme.mjs");
    run.env("NODE_EXTRA_CA_CERTS", project.join("ca.pem"));
    show(run).context("the README's blocks")?;
    let requests = server.requests()?;
    ensure!(requests == 3, "the README's blocks made {requests} requests");
    Ok(())
}
