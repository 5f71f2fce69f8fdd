//! `cargo xtask screenshots`: the journeys of the dashboard, and what they saw at every page on one sheet.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};

use crate::{
    setup::{self, Tool},
    workshop::Workshop,
};

const PICTURES: &str = "target/screenshots";

/// Writes `target/screenshots/index.html`, and a picture for every page, width and colour scheme beside it.
pub(crate) fn run(workshop: &Workshop) -> Result<()> {
    setup::install(workshop, [Tool::Debian, Tool::Node])?;
    let pictures = workshop.path(PICTURES);
    if pictures.exists() {
        fs::remove_dir_all(&pictures).with_context(|| format!("cannot empty {PICTURES}"))?;
    }
    for line in [
        &["build", "--package", "pintle", "--all-features"][..],
        &["test", "--package", "pintle-e2e", "--test", "browser"],
    ] {
        let status = workshop.cargo().args(line).env("PINTLE_SCREENSHOTS", &pictures).status().context("no cargo")?;
        ensure!(status.success(), "failed: cargo {}", line.join(" "));
    }
    let sheet = pictures.join("index.html");
    fs::write(&sheet, write_sheet(&pictures)?).with_context(|| format!("cannot write {}", sheet.display()))?;
    println!("{}", sheet.display());
    Ok(())
}

fn write_sheet(pictures: &Path) -> Result<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(pictures).with_context(|| format!("no pictures in {PICTURES}"))? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    let figure = |name: &String| {
        format!(
            "<figure><a href=\"{name}\"><img src=\"{name}\" loading=\"lazy\"></a><figcaption>{name}</figcaption></figure>\n"
        )
    };
    let figures: String = names.iter().filter(|name| name.ends_with(".png")).map(figure).collect();
    Ok(format!(
        "<!doctype html><title>Pintle, page by page</title><style>body{{display:flex;flex-wrap:wrap;gap:1rem;font:14px \
         sans-serif}}figure{{margin:0;width:300px}}img{{width:100%;border:1px solid #ccc}}</style>\n{figures}"
    ))
}
