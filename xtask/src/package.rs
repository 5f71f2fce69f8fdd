//! `cargo xtask package`: what developers of apps install. Each package is built as it ships, installed into an empty project, and
//! used there: the blocks of its README run, and its example app meets a server that is pinned and one that is not.

mod aar;
mod c;
mod crates;
mod jar;
mod npm;
pub(crate) mod swift;
mod trial;
pub(crate) mod wheel;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::setup::{self, Tool};
use crate::workshop::Workshop;

/// No package has the door through which tests set the clock.
const DOOR: [&str; 2] = ["dangerous_test", "dangerousTest"];
const PROFILE: [&str; 4] = ["build", "--locked", "--profile", "sdk"];

/// One package that was made: the file, and the native library in it, if it is one.
struct Made {
    file: PathBuf,
    library: Option<PathBuf>,
}

/// Builds every package into `out`. `android`: a folder with native libraries, for the AAR.
pub(crate) fn make_all(workshop: &Workshop, out: &Path, android: Option<&Path>) -> Result<()> {
    setup::install(workshop, [Tool::Debian, Tool::Python, Tool::Zig, Tool::Node, Tool::Java, Tool::Swift])?;
    fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
    let scratch = workshop.path("target/package");
    if scratch.exists() {
        fs::remove_dir_all(&scratch).with_context(|| format!("cannot remove {}", scratch.display()))?;
    }
    fs::create_dir_all(&scratch).with_context(|| format!("cannot make {}", scratch.display()))?;
    let mut made = crates::make(workshop, out, &scratch)?;
    made.push(c::make(workshop, out, &scratch)?);
    made.push(wheel::make(workshop, out, &scratch)?);
    made.push(npm::make(workshop, out, &scratch)?);
    made.push(jar::make(workshop, out, &scratch)?);
    let mut left_out = Vec::new();
    match android {
        Some(libraries) => made.extend(aar::make(workshop, out, &scratch, libraries)?),
        None => left_out.push("the AAR: --android names no folder with the libraries of Android's NDK".to_owned()),
    }
    match setup::swift_is_forbidden(workshop) {
        None => made.push(swift::make(workshop, out, &scratch)?),
        Some(why) => left_out.push(format!("the Swift package: {why}")),
    }
    println!("\n{:>10}  {:>14}  package", "bytes", "native library");
    for Made { file, library } in &made {
        let bytes = |path: &Path| fs::metadata(path).map(|metadata| metadata.len().to_string());
        let of_library = library.as_deref().map_or(Ok("–".to_owned()), bytes)?;
        println!("{:>10}  {of_library:>14}  {}", bytes(file)?, file.display());
    }
    for package in left_out {
        println!("SKIPPED: {package}");
    }
    Ok(())
}

/// Packs `what` of `folder`: the same bytes from the same files, with no time and no owner.
pub(crate) fn pack(workshop: &Workshop, file: &Path, folder: &Path, what: &str) -> Result<()> {
    let mut pack = workshop.command("tar");
    pack.args(["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner", "-czf"]).arg(file);
    pack.arg("-C").arg(folder).arg(what);
    show(pack)
}

/// Moves the one file of `from` to `out`.
fn take_only(from: &Path, out: &Path) -> Result<PathBuf> {
    let mut files = fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))?;
    let (Some(file), None) = (files.next(), files.next()) else {
        bail!("{} holds more than one package, or none", from.display());
    };
    let file = file?;
    let to = out.join(file.file_name());
    fs::copy(file.path(), &to).with_context(|| format!("cannot write {}", to.display()))?;
    Ok(to)
}

fn refuse_door(library: &Path) -> Result<()> {
    let bytes = fs::read(library).with_context(|| format!("cannot read {}", library.display()))?;
    for word in DOOR {
        let is_there = bytes.windows(word.len()).any(|window| window == word.as_bytes());
        ensure!(!is_there, "{} holds `{word}`: the door for tests must not ship", library.display());
    }
    Ok(())
}

pub(crate) fn show(mut command: Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {command:?}"))?;
    ensure!(status.success(), "failed ({status}): {command:?}");
    Ok(())
}
