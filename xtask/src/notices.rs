//! The licences in what ships: ours, and the notices of whatever is compiled in.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::sbom::{list, parse_tree, read_metadata, read_tree, text};
use crate::shipping::sysroot;
use crate::workshop::Workshop;

const OURS: [&str; 2] = ["LICENSE-MIT", "LICENSE-APACHE"];
const OF_CRATES: &str = "THIRD-PARTY.txt";
/// As the toolchain has it.
const OF_RUST: &str = "THIRD-PARTY-RUST.html";
/// How crates call the files with their licences, in capitals.
const STEMS: [&str; 6] = ["LICENSE", "LICENCE", "UNLICENSE", "COPYING", "COPYRIGHT", "NOTICE"];

/// Every file that [`write()`] writes.
pub(crate) const FILES: [&str; 4] = [OURS[0], OURS[1], OF_CRATES, OF_RUST];

/// Writes into `folder`, which is made, what must go with `package` compiled for `target`, a triple as rustc knows it.
pub(crate) fn write(workshop: &Workshop, package: &str, target: &str, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for name in OURS {
        fs::copy(workshop.path(name), folder.join(name)).with_context(|| format!("cannot copy {name}"))?;
    }
    fs::write(folder.join(OF_CRATES), collect(workshop, package, target)?)?;
    let of_rust = sysroot(workshop)?.join("share/doc/rust/COPYRIGHT-library.html");
    let to = folder.join(OF_RUST);
    fs::copy(&of_rust, to).with_context(|| format!("the toolchain has no {}", of_rust.display()))?;
    Ok(())
}

/// Refuses a folder of an installed package that lacks any of it.
pub(crate) fn expect(folder: &Path) -> Result<()> {
    for name in FILES {
        let file = folder.join(name);
        let text = fs::read_to_string(&file).with_context(|| format!("{} must ship", file.display()))?;
        // ring is in everything.
        ensure!(!text.is_empty() && (name != OF_CRATES || text.contains("\n  ring ")), "{} is empty", file.display());
    }
    Ok(())
}

/// Texts that several crates have stand there once.
fn collect(workshop: &Workshop, package: &str, target: &str) -> Result<String> {
    let tree = read_tree(workshop, package, target, "normal,no-proc-macro")?;
    let linked = parse_tree(&tree);
    let metadata = read_metadata(workshop, target)?;
    let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in list(&metadata, "packages").filter(|package| !package.get("source").is_none_or(Value::is_null)) {
        let (name, version) =
            text(package, "name").zip(text(package, "version")).context("a package without a name")?;
        if linked.contains(&(name, version)) {
            let licence = text(package, "license").unwrap_or("in its own words");
            let title = format!("  {name} {version} ({licence})");
            for notice in notices_of(workshop, package).with_context(|| format!("{name} {version}"))? {
                texts.entry(notice).or_default().insert(title.clone());
            }
        }
    }
    let mut page = format!(
        "What others wrote that is compiled into {package}, and under which terms. {OF_RUST} has the same of Rust's own library.\n"
    );
    let mut texts: Vec<_> = texts.into_iter().collect();
    texts.sort_by(|(_, one), (_, other)| one.cmp(other));
    for (text, titles) in texts {
        let titles: Vec<_> = titles.into_iter().collect();
        page.push_str(&format!("\n{}\n{}\n\n{text}\n", "=".repeat(80), titles.join("\n")));
    }
    Ok(page)
}

/// The texts in the archive of a crate; where it has none, the usual one with the names that it gives.
fn notices_of(workshop: &Workshop, package: &Value) -> Result<Vec<String>> {
    let manifest = Path::new(text(package, "manifest_path").context("no manifest")?);
    let mut files = Vec::new();
    find(manifest.parent().context("a manifest in no folder")?, &mut files)?;
    if files.is_empty() {
        return Ok(vec![usual_notice(workshop, package)?]);
    }
    let read = |file: &PathBuf| fs::read(file).with_context(|| format!("cannot read {}", file.display()));
    files.iter().map(|file| Ok(tidy(&String::from_utf8_lossy(&read(file)?)))).collect()
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().to_ascii_uppercase();
        if entry.file_type()?.is_dir() {
            find(&entry.path(), files)?;
        } else if STEMS.iter().any(|stem| name.starts_with(stem)) && !name.ends_with(".RS") {
            files.push(entry.path());
        }
    }
    Ok(())
}

fn usual_notice(workshop: &Workshop, package: &Value) -> Result<String> {
    let licence = text(package, "license").context("it names no licence and carries none")?;
    let names: Vec<_> = list(package, "authors").filter_map(Value::as_str).collect();
    let names = if names.is_empty() { "its authors".to_owned() } else { names.join(", ") };
    let from = text(package, "repository").unwrap_or("crates.io");
    let ours = if licence.contains("MIT") {
        OURS[0]
    } else if licence.contains("Apache-2.0") {
        OURS[1]
    } else {
        bail!("it carries no text of its licence, {licence}");
    };
    let terms = fs::read_to_string(workshop.path(ours)).with_context(|| format!("cannot read {ours}"))?;
    let terms: Vec<&str> = terms.lines().filter(|line| !line.starts_with("Copyright (c)")).collect();
    Ok(tidy(&format!(
        "Its archive holds no text of its licence: this is the usual one. By {names}; {from}\n\n{}",
        terms.join("\n")
    )))
}

/// Without what differs between copies of one text for no reason.
fn tidy(text: &str) -> String {
    text.trim().lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGET: &str = "x86_64-unknown-linux-gnu";

    #[test]
    fn every_crate_that_is_linked_is_named_with_its_terms() {
        let workshop = Workshop::open().unwrap();
        // The server links the most, and may have a licence here that nothing else has.
        assert!(collect(&workshop, "pintle", TARGET).unwrap().contains("\n  sqlx 0."));
        let page = collect(&workshop, "pintle-node", TARGET).unwrap();
        // BoringSSL's and fiat's part of ring, and a crate whose archive has no text.
        let held = ["The Chromium Authors", "fiat-crypto authors", "this is the usual one"];
        for what in ["\n  ring 0.17", "\n  serde_json "].iter().chain(&held) {
            assert!(page.contains(what), "{what}");
        }
        for what in ["\n  syn ", "\n  proptest ", "\n  pintle-core ", "/registry/"] {
            assert!(!page.contains(what), "{what}");
        }
    }
}
