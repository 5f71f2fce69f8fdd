//! `cargo xtask package`: what developers of apps install. Each package is built as it ships, installed into an empty project,
//! and asked a question there.

mod jar;
mod server;
mod swift;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::setup::{self, Tool};
use crate::workshop::{Workshop, read};

/// No package has the door through which tests set the clock.
const DOOR: [&str; 2] = ["dangerous_test", "dangerousTest"];
const PROFILE: [&str; 4] = ["build", "--locked", "--profile", "sdk"];

/// One package that was made: the file, and the native library in it.
struct Made {
    file: PathBuf,
    library: PathBuf,
}

/// Builds every package into `out`.
pub(crate) fn make_all(workshop: &Workshop, out: &Path) -> Result<()> {
    setup::install(workshop, [Tool::Debian, Tool::Python, Tool::Node, Tool::Java, Tool::Swift])?;
    fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
    let scratch = workshop.path("target/package");
    if scratch.exists() {
        fs::remove_dir_all(&scratch).with_context(|| format!("cannot remove {}", scratch.display()))?;
    }
    fs::create_dir_all(&scratch).with_context(|| format!("cannot make {}", scratch.display()))?;
    let made = [
        make_c(workshop, out, &scratch)?,
        make_wheel(workshop, out, &scratch)?,
        make_npm(workshop, out, &scratch)?,
        jar::make(workshop, out, &scratch)?,
        swift::make(workshop, out, &scratch)?,
    ];
    println!("\n{:>10}  {:>14}  package", "bytes", "native library");
    for Made { file, library } in &made {
        let bytes = |path: &Path| fs::metadata(path).map(|metadata| metadata.len());
        println!("{:>10}  {:>14}  {}", bytes(file)?, bytes(library)?, file.display());
    }
    Ok(())
}

/// The C library as a tarball, installed and found by pkg-config.
fn make_c(workshop: &Workshop, out: &Path, scratch: &Path) -> Result<Made> {
    for kind in ["cdylib", "staticlib"] {
        // One kind at a time: beside the `rlib` of its tests Cargo leaves LTO away, which makes it a third larger.
        let mut build = workshop.cargo();
        build.args(["rustc", "--locked", "--profile", "sdk", "--package", "pintle-c", "--crate-type", kind]);
        show(build)?;
    }
    let folder = scratch.join("c");
    let mut install = workshop.command("make");
    install.args(["-C", "bindings/c", "install", "PREFIX=/usr"]).arg(format!("DESTDIR={}", folder.display()));
    show(install)?;
    let library = folder.join("usr/lib/libpintle_c.so");
    refuse_door(&library)?;
    let file = out.join("pintle-c.tar.gz");
    pack(workshop, &file, &folder, "usr")?;
    let mut ask = workshop.command("pkg-config");
    ask.args(["--define-variable=prefix=/usr", "--libs", "pintle"]);
    ask.env("PKG_CONFIG_PATH", folder.join("usr/lib/pkgconfig"));
    ensure!(read(ask)?.contains("-lpintle_c"), "pkg-config does not find the C library");
    Ok(Made { file, library })
}

/// The wheel, installed beside nothing else.
fn make_wheel(workshop: &Workshop, out: &Path, scratch: &Path) -> Result<Made> {
    let python = workshop.tools().join("venv/bin/python");
    let wheels = scratch.join("wheels");
    let mut build = workshop.command(&python);
    build.args(["-m", "maturin", "build", "--quiet", "--locked", "--profile", "sdk", "--auditwheel", "skip"]);
    build.args(["--manifest-path", "bindings/python/Cargo.toml", "--interpreter"]).arg(&python);
    show({
        build.arg("--out").arg(&wheels);
        build
    })?;
    let file = take_only(&wheels, out)?;
    let site = scratch.join("site");
    let mut install = workshop.command(&python);
    install.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-index",
        "--no-deps",
        "--target",
    ]);
    show({
        install.arg(&site).arg(&file);
        install
    })?;
    let library = site.join("pintle/_native.abi3.so");
    refuse_door(&library)?;
    let mut ask = workshop.command(&python);
    ask.args(["-c", "import pintle; print(len(pintle.CODES))"]).env("PYTHONPATH", &site);
    expect_codes(&read(ask)?)?;
    Ok(Made { file, library })
}

/// The npm package, with the addon of this platform, installed into an empty project.
fn make_npm(workshop: &Workshop, out: &Path, scratch: &Path) -> Result<Made> {
    let mut build = workshop.cargo();
    build.args(PROFILE).args(["--package", "pintle-node"]);
    show(build)?;
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
    fs::copy(workshop.path("target/sdk/libpintle_node.so"), &library)?;
    refuse_door(&library)?;
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
    let mut ask = workshop.command("node");
    ask.current_dir(&project).args(["-p", "require('pintle').CODES.length"]);
    expect_codes(&read(ask)?)?;
    Ok(Made { file, library })
}

/// Packs `what` of `folder`: the same bytes from the same files, with no time and no owner.
fn pack(workshop: &Workshop, file: &Path, folder: &Path, what: &str) -> Result<()> {
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

/// Whatever answers how many codes there are was loaded and runs.
fn expect_codes(answer: &str) -> Result<()> {
    let count: usize = answer.trim().parse().with_context(|| format!("not a number of codes: {answer}"))?;
    ensure!(count > 25, "only {count} codes");
    Ok(())
}

fn show(mut command: Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {command:?}"))?;
    ensure!(status.success(), "failed ({status}): {command:?}");
    Ok(())
}
