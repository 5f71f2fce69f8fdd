//! `cargo xtask dist`: what operators install. The tarball is unpacked as they do, on a machine whose only network is loopback,
//! and shows itself working there.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::package::pack;
use crate::setup::{self, Tool};
use crate::workshop::{Workshop, is_root, read, show};
use crate::{notices, sbom, shipping};

/// glibc 2.17: what it is linked against, so that it runs on whatever is as new.
const TARGET: &str = "x86_64-unknown-linux-gnu";
const GLIBC_MINOR: u32 = 17;
/// What goes in beside the program, and where to.
const FILES: [(&str, &str); 6] = [
    ("deploy/pintle.service", "lib/systemd/system/pintle.service"),
    ("docs/operations/install.md", "share/doc/pintle/install.md"),
    ("docs/operations/configuration.md", "share/doc/pintle/configuration.md"),
    ("deploy/nginx.conf", "share/doc/pintle/examples/nginx.conf"),
    ("deploy/varnish.vcl", "share/doc/pintle/examples/varnish.vcl"),
    ("deploy/Caddyfile", "share/doc/pintle/examples/Caddyfile"),
];
/// As distributions place them.
const COMPLETIONS: [(&str, &str); 3] = [
    ("bash", "share/bash-completion/completions/pintle"),
    ("zsh", "share/zsh/site-functions/_pintle"),
    ("fish", "share/fish/vendor_completions.d/pintle.fish"),
];

/// Builds the tarball, with its checksum beside it, in `out`.
pub(crate) fn make(workshop: &Workshop, out: &Path) -> Result<()> {
    setup::install(workshop, [Tool::Debian, Tool::Python, Tool::Zig])?;
    let program = build(workshop)?;
    refuse_newer_glibc(&program)?;
    shipping::expect_hidden(workshop, &program)?;
    let version = env!("CARGO_PKG_VERSION");
    let (scratch, name) = (workshop.path("target/dist-scratch"), format!("pintle-{version}"));
    if scratch.exists() {
        fs::remove_dir_all(&scratch).with_context(|| format!("cannot remove {}", scratch.display()))?;
    }
    stage(workshop, &program, &scratch.join(&name))?;
    fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
    let file = out.join(format!("{name}-x86_64-linux.tar.gz"));
    pack(workshop, &file, &scratch, &name)?;
    let mut sum = workshop.command("sha256sum");
    sum.current_dir(out).arg(file.file_name().unwrap_or_default());
    fs::write(file.with_added_extension("sha256"), read(sum)?)?;
    try_it(workshop, &file, &scratch)?;
    println!("dist: {} ({} bytes)", file.display(), fs::metadata(&file)?.len());
    Ok(())
}

fn build(workshop: &Workshop) -> Result<PathBuf> {
    let mut build = workshop.command(workshop.tools().join("venv/bin/cargo-zigbuild"));
    build.args(["zigbuild", "--locked", "--profile", "dist", "--package", "pintle"]);
    build.args(["--target", &format!("{TARGET}.2.{GLIBC_MINOR}")]).env("PATH", workshop.path_with_tools()?);
    shipping::hide_machine(workshop, &mut build)?;
    show(build)?;
    Ok(workshop.path("target").join(TARGET).join("dist/pintle"))
}

/// A symbol of a newer glibc would be found out on the machine of whoever has an older one.
fn refuse_newer_glibc(program: &Path) -> Result<()> {
    let bytes = fs::read(program).with_context(|| format!("cannot read {}", program.display()))?;
    let word = b"GLIBC_2.";
    for (at, _) in bytes.windows(word.len()).enumerate().filter(|(_, window)| window == word) {
        let digits = bytes.iter().skip(at + word.len()).take_while(|byte| byte.is_ascii_digit());
        let minor = digits.fold(0, |number, digit| number * 10 + u32::from(digit - b'0'));
        ensure!(minor <= GLIBC_MINOR, "{} asks for glibc 2.{minor}", program.display());
    }
    Ok(())
}

/// What will be below /usr/local, in `folder`.
fn stage(workshop: &Workshop, program: &Path, folder: &Path) -> Result<()> {
    copy(program, &folder.join("bin/pintle"))?;
    for (from, to) in FILES {
        copy(&workshop.path(from), &folder.join(to))?;
    }
    let documents = folder.join("share/doc/pintle");
    notices::write(workshop, sbom::PINTLE, TARGET, &documents)?;
    notices::expect(&documents)?;
    sbom::write(workshop, sbom::PINTLE, TARGET, &documents.join("pintle.cdx.json"))?;
    let mut manual = workshop.command(program);
    manual.arg("man").arg(folder.join("share/man/man1"));
    show(manual)?;
    for (shell, to) in COMPLETIONS {
        let mut write = workshop.command(program);
        write.args(["completions", shell]);
        let to = folder.join(to);
        make_folder_of(&to)?;
        fs::write(&to, read(write)?).with_context(|| format!("cannot write {}", to.display()))?;
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    make_folder_of(to)?;
    fs::copy(from, to).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}

fn make_folder_of(file: &Path) -> Result<()> {
    let folder = file.parent().context("a file in no folder")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))
}

/// Unpacks it as the page says, and runs the demo with nothing else at hand; systemd reads the unit, where there is one.
fn try_it(workshop: &Workshop, file: &Path, scratch: &Path) -> Result<()> {
    let root = scratch.join("root");
    let local = root.join("usr/local");
    fs::create_dir_all(&local).with_context(|| format!("cannot make {}", local.display()))?;
    let mut unpack = workshop.command("tar");
    unpack.arg("-xzf").arg(file).arg("-C").arg(&local).args(["--strip-components=1", "--no-same-owner"]);
    show(unpack)?;
    let mut demo = workshop.command("unshare");
    demo.arg("--net").args((!is_root()).then_some("--map-root-user"));
    demo.args(["sh", "-euc", r#"ip link set lo up; exec env -i HOME="$1" "$1/usr/local/bin/pintle" demo"#, "sh"]);
    demo.arg(&root);
    let said = read(demo).context("the demo, without a network")?;
    print!("{said}");
    verify_unit(workshop, &root)
}

fn verify_unit(workshop: &Workshop, root: &Path) -> Result<()> {
    let mut ask = workshop.command("systemd-analyze");
    ask.arg("--version");
    if read(ask).is_err() {
        println!("SKIPPED: the unit: there is no systemd here");
        return Ok(());
    }
    let mut verify = workshop.command("systemd-analyze");
    verify.args([OsStr::new("verify"), OsStr::new("--man=no"), OsStr::new("--recursive-errors=no")]);
    verify.arg("--root").arg(root).arg("pintle.service");
    show(verify).context("the unit")
}
