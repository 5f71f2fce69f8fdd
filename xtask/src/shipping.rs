//! What ships tells nothing of the machine that built it.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::sbom::{list, read_metadata, text};
use crate::workshop::{Workshop, read};

/// Where Cargo keeps what it downloaded, on any machine.
const REGISTRY: &str = ".cargo/registry/";
/// Cargo's way around white space in flags.
const BETWEEN_FLAGS: char = '\u{1f}';

/// The machine this runs on, as rustc knows it.
pub(crate) fn host(workshop: &Workshop) -> Result<String> {
    let mut ask = workshop.command("rustc");
    ask.arg("-vV");
    let told = read(ask)?;
    told.lines().find_map(|line| line.strip_prefix("host: ")).map(str::to_owned).context("rustc does not name its host")
}

pub(crate) fn sysroot(workshop: &Workshop) -> Result<PathBuf> {
    let mut ask = workshop.command("rustc");
    ask.args(["--print", "sysroot"]);
    Ok(read(ask)?.trim().into())
}

/// Has `build`, a cargo or what runs one, call the folders of this machine by other names. Cargo takes flags of one place alone:
/// those of the environment are kept, those of its configuration files are not.
pub(crate) fn hide_machine(workshop: &Workshop, build: &mut Command) -> Result<()> {
    let encoded = env::var("CARGO_ENCODED_RUSTFLAGS").ok();
    let plain = env::var("RUSTFLAGS").ok();
    let given = match (&encoded, &plain) {
        (Some(encoded), _) => encoded.split(BETWEEN_FLAGS).filter(|flag| !flag.is_empty()).collect(),
        (None, Some(plain)) => plain.split_ascii_whitespace().collect(),
        (None, None) => Vec::new(),
    };
    let flags: Vec<String> = given.into_iter().map(str::to_owned).chain(flags(workshop)?).collect();
    build.env("CARGO_ENCODED_RUSTFLAGS", flags.join(&BETWEEN_FLAGS.to_string()));
    // For what is not Rust: ring's.
    let of_c = folders(workshop)?.into_iter().map(|(folder, name)| format!("-ffile-prefix-map={folder}={name}"));
    build.env("CFLAGS", env::var("CFLAGS").into_iter().chain(of_c).collect::<Vec<_>>().join(" "));
    Ok(())
}

/// Refuses files, `place` or those in it, in which a folder of this machine, or of another one with crates in it, stands.
pub(crate) fn expect_hidden(workshop: &Workshop, place: &Path) -> Result<()> {
    let mut folders: Vec<String> = folders(workshop)?.into_iter().map(|(folder, _)| folder).collect();
    folders.push(REGISTRY.to_owned());
    // A home that is the root of everything says nothing.
    folders.extend(env::var("HOME").ok().filter(|home| home.len() > 1).map(|home| format!("{home}/")));
    for file in files_in(place)? {
        let bytes = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        refuse_any(&folders, &bytes).with_context(|| {
            let flags = flags(workshop).unwrap_or_default().join(" ");
            format!("{} tells of the machine that built it: build it with RUSTFLAGS='{flags}'", file.display())
        })?;
    }
    Ok(())
}

fn files_in(place: &Path) -> Result<Vec<PathBuf>> {
    if !place.is_dir() {
        return Ok(vec![place.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(place).with_context(|| format!("cannot read {}", place.display()))? {
        let path = entry?.path();
        // What Python compiled when it was installed.
        if !path.ends_with("__pycache__") {
            files.extend(files_in(&path)?);
        }
    }
    Ok(files)
}

fn refuse_any(folders: &[String], bytes: &[u8]) -> Result<()> {
    let found = folders.iter().find_map(|folder| Some((position(bytes, folder.as_bytes())?, folder)));
    let Some((at, folder)) = found else { return Ok(()) };
    let shown = bytes.iter().skip(at).take(120).take_while(|byte| byte.is_ascii_graphic());
    bail!("{folder}: {}", shown.map(|byte| char::from(*byte)).collect::<String>());
}

fn flags(workshop: &Workshop) -> Result<Vec<String>> {
    let folders = folders(workshop)?;
    Ok(folders.into_iter().map(|(folder, name)| format!("--remap-path-prefix={folder}={name}")).collect())
}

/// Folders that compilers write into what they make, and how they are called there.
fn folders(workshop: &Workshop) -> Result<Vec<(String, &'static str)>> {
    let metadata = read_metadata(workshop, &host(workshop)?)?;
    let is_foreign = |package: &&Value| !package.get("source").is_none_or(Value::is_null);
    let crates: BTreeSet<&Path> = list(&metadata, "packages")
        .filter(is_foreign)
        .filter_map(|package| Path::new(text(package, "manifest_path")?).parent()?.parent())
        .collect();
    let [root, rust] = [workshop.path(""), sysroot(workshop)?];
    let named = [(root.as_path(), "/pintle"), (rust.as_path(), "/rust")].into_iter();
    let named = named.chain(crates.into_iter().map(|folder| (folder, "/crates")));
    // Without a `/` at the end, which is the name's then.
    let plain = |folder: &Path| folder.to_str().map(|folder| folder.trim_end_matches('/').to_owned());
    named
        .map(|(folder, name)| Ok((plain(folder).with_context(|| format!("{} is no text", folder.display()))?, name)))
        .collect()
}

fn position(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_that_names_a_folder_of_its_machine_is_refused() {
        let workshop = Workshop::open().unwrap();
        let file = workshop.path("target/tmp").join(format!("shipping-{}", std::process::id()));
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        let root = workshop.path("crates/core/src/lib.rs").display().to_string();
        let elsewhere = "/home/somebody/.cargo/registry/src/x/ring/src/lib.rs";
        for (holds, is_fine) in
            [("\0/crates/ring-0.17.14/src/lib.rs\0", true), (root.as_str(), false), (elsewhere, false)]
        {
            fs::write(&file, holds).unwrap();
            assert_eq!(expect_hidden(&workshop, &file).is_ok(), is_fine, "{holds}");
        }
        fs::remove_file(&file).unwrap();
    }
}
