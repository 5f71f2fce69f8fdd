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

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::setup::{self, Tool};
use crate::shipping;
use crate::workshop::{Workshop, show};

/// No package has the door through which tests set the clock.
const DOOR: [&str; 2] = ["dangerous_test", "dangerousTest"];

/// How the native halves are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Build {
    /// As they ship.
    Shipped,
    /// As tests build them: shows what is in a package and that it works, neither its size nor where else it runs.
    Quick,
}

impl Build {
    fn profile(self) -> &'static str {
        match self {
            Self::Shipped => "sdk",
            Self::Quick => "dev",
        }
    }

    /// Where Cargo puts what it built.
    fn built(self, workshop: &Workshop) -> PathBuf {
        workshop.path("target").join(match self {
            Self::Shipped => "sdk",
            Self::Quick => "debug",
        })
    }

    /// Before a cargo, or what runs one, is run.
    fn prepare(self, workshop: &Workshop, build: &mut Command) -> Result<()> {
        match self {
            Self::Shipped => shipping::hide_machine(workshop, build),
            Self::Quick => Ok(()),
        }
    }

    /// Refuses what must not ship: a door in one of `libraries`, and a trace of this machine anywhere in `package`, unpacked.
    fn inspect(self, workshop: &Workshop, package: &Path, libraries: &[&Path]) -> Result<()> {
        libraries.iter().try_for_each(|library| refuse_door(library))?;
        match self {
            Self::Shipped => shipping::expect_hidden(workshop, package),
            Self::Quick => Ok(()),
        }
    }

    /// The library of `package` as other languages load it.
    fn library(self, workshop: &Workshop, package: &str) -> Result<PathBuf> {
        let mut build = workshop.cargo();
        build.args(["build", "--locked", "--profile", self.profile(), "--package", package]);
        self.prepare(workshop, &mut build)?;
        show(build)?;
        Ok(self.built(workshop).join(format!("{DLL_PREFIX}{}{DLL_SUFFIX}", package.replace('-', "_"))))
    }
}

/// One package that was made: the file, and the native library in it, if it is one.
struct Made {
    file: PathBuf,
    library: Option<PathBuf>,
}

/// Builds every package into `out`; quickly, those alone that need neither Maven nor Swift. `android`: a folder with native
/// libraries, for the AAR.
pub(crate) fn make_all(workshop: &Workshop, out: &Path, build: Build, android: Option<&Path>) -> Result<()> {
    let tools: &[Tool] = match build {
        Build::Shipped => &[Tool::Debian, Tool::Python, Tool::Zig, Tool::Node, Tool::Java, Tool::Swift],
        Build::Quick => &[Tool::Debian, Tool::Python, Tool::Node],
    };
    setup::install(workshop, tools.iter().copied())?;
    let scratch = workshop.path("target/package");
    if scratch.exists() {
        fs::remove_dir_all(&scratch).with_context(|| format!("cannot remove {}", scratch.display()))?;
    }
    for folder in [out, &scratch] {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let mut made = crates::make(workshop, out, &scratch, build)?;
    made.push(c::make(workshop, out, &scratch, build)?);
    made.push(wheel::make(workshop, out, &scratch, build)?);
    made.push(npm::make(workshop, out, &scratch, build)?);
    let mut left_out = Vec::new();
    match build {
        Build::Shipped => left_out.extend(make_for_phones(workshop, out, &scratch, android, &mut made)?),
        Build::Quick => left_out.push("jar, AAR, Swift package, and the example in Rust: they take longer".to_owned()),
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

/// Says what was left out, and why.
fn make_for_phones(
    workshop: &Workshop,
    out: &Path,
    scratch: &Path,
    android: Option<&Path>,
    made: &mut Vec<Made>,
) -> Result<Vec<String>> {
    let mut left_out = Vec::new();
    made.push(jar::make(workshop, out, scratch)?);
    match android {
        Some(libraries) => made.extend(aar::make(workshop, out, scratch, libraries)?),
        None => left_out.push("the AAR: --android names no folder with the libraries of Android's NDK".to_owned()),
    }
    match setup::swift_is_forbidden(workshop) {
        None => made.push(swift::make(workshop, out, scratch)?),
        Some(why) => left_out.push(format!("the Swift package: {why}")),
    }
    Ok(left_out)
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
