//! `cargo xtask docs`: the reference of every SDK, by the tool that its language has for that. What is public and not documented
//! fails here or, where the tool does not say, in the language's tests.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;

use crate::package::{Build, wheel};
use crate::setup::{self, Tool};
use crate::workshop::{Workshop, read};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    Rust,
    C,
    Kotlin,
    Swift,
    Python,
    Node,
}

impl Language {
    /// Its folder, what people call it, and the page to begin with.
    fn facts(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Rust => ("rust", "Rust", "pintle_sdk/index.html"),
            Self::C => ("c", "C", "index.html"),
            Self::Kotlin => ("kotlin", "Kotlin, Java", "index.html"),
            Self::Swift => ("swift", "Swift", "documentation/pintle/index.html"),
            Self::Python => ("python", "Python", "pintle.html"),
            Self::Node => ("node", "Node.js", "index.html"),
        }
    }

    fn needs(self) -> &'static [Tool] {
        match self {
            Self::Rust => &[],
            Self::C | Self::Node => &[Tool::Documentation],
            Self::Kotlin => &[Tool::Java],
            Self::Swift => &[Tool::Swift],
            Self::Python => &[Tool::Python],
        }
    }
}

/// Of `languages`, or of all if it is empty.
pub(crate) fn write(workshop: &Workshop, languages: &[Language]) -> Result<()> {
    let languages = if languages.is_empty() { Language::value_variants() } else { languages };
    setup::install(workshop, languages.iter().flat_map(|language| language.needs()).copied())?;
    let docs = workshop.path("target/docs");
    for language in languages {
        let (name, title, _) = language.facts();
        println!("docs: {title}");
        let folder = docs.join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
        }
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let written = match language {
            Language::Rust => write_rust(workshop, &folder),
            Language::C => write_c(workshop, &folder),
            Language::Kotlin => write_kotlin(workshop),
            Language::Swift => write_swift(workshop, &folder),
            Language::Python => write_python(workshop, &folder),
            Language::Node => write_node(workshop, &folder),
        };
        written.with_context(|| title.to_owned())?;
    }
    write_index(&docs)?;
    println!("docs: open {}", docs.join("index.html").display());
    Ok(())
}

/// What is there now, by this run or an earlier one.
fn write_index(docs: &Path) -> Result<()> {
    let mut rows = String::new();
    for (name, title, page) in Language::value_variants().iter().map(|language| language.facts()) {
        let page = format!("{name}/{page}");
        if docs.join(&page).exists() {
            rows += &format!("<li><a href=\"{page}\">{title}</a></li>\n");
        }
    }
    let page = format!(
        "<!doctype html>\n<meta charset=\"utf-8\">\n<title>Pintle: reference of the SDKs</title>\n\
         <h1>Reference of the SDKs</h1>\n<ul>\n{rows}</ul>\n\
         <p>Swift's pages need a web server: <code>python3 -m http.server --directory target/docs</code></p>\n"
    );
    fs::write(docs.join("index.html"), page).context("cannot write the index")
}

fn write_rust(workshop: &Workshop, folder: &Path) -> Result<()> {
    let built = workshop.path("target/doc");
    if built.exists() {
        // What else was documented there stays out.
        fs::remove_dir_all(&built).with_context(|| format!("cannot remove {}", built.display()))?;
    }
    let mut document = workshop.cargo();
    document.args(["doc", "--locked", "--no-deps", "--package", "pintle-core", "--package", "pintle-path"]);
    document.args(["--package", "pintle-sdk", "--features", "pintle-sdk/reqwest"]);
    run(document.env("RUSTDOCFLAGS", "-D warnings -D missing_docs"))?;
    fs::remove_dir(folder).and_then(|()| fs::rename(&built, folder)).context("cannot move it")
}

fn write_c(workshop: &Workshop, folder: &Path) -> Result<()> {
    let mut document = workshop.command("doxygen");
    run(document.current_dir(workshop.path("bindings/c")).env("PINTLE_DOCS", folder))
}

/// Into target/docs/kotlin, as pom.xml says.
fn write_kotlin(workshop: &Workshop) -> Result<()> {
    // Dokka is fetched the first time: the tests go without.
    let mut document = workshop.command("mvn");
    document.args(["--batch-mode", "--no-transfer-progress", "--file", "bindings/jvm/pom.xml"]);
    document.arg(format!("-Dmaven.repo.local={}", workshop.tools().join("maven").display()));
    document.args(["compile", "dokka:dokka"]);
    let told = read(document)?;
    // Kotlin makes these for every enumeration; nobody can document them.
    let is_made = |line: &str| ["/values/", "/valueOf/", "/entries/"].iter().any(|name| line.contains(name));
    let complaints: Vec<&str> = told.lines().filter(|line| line.starts_with("[WARNING]") && !is_made(line)).collect();
    ensure!(complaints.is_empty(), "{}", complaints.join("\n"));
    Ok(())
}

fn write_swift(workshop: &Workshop, folder: &Path) -> Result<()> {
    if let Some(why) = setup::swift_is_forbidden(workshop) {
        println!("SKIPPED: Swift: {why}");
        return Ok(());
    }
    let mut build = workshop.cargo();
    run(build.args(["build", "--quiet", "--locked", "--package", "pintle-c"]))?;
    let mut native = workshop.command("make");
    run(native.args(["--silent", "-C", "bindings/swift", "native", "BUILT=../../target/debug"]))?;
    let mut document = workshop.in_swift();
    run(document.arg("/pintle/bindings/swift/Tests/document").arg(workshop.path_in_swift(folder)?))
}

fn write_python(workshop: &Workshop, folder: &Path) -> Result<()> {
    let scratch = workshop.path("target/docs-python");
    let site = wheel::build(workshop, Build::Quick, &scratch)?;
    let mut document = workshop.command(workshop.tools().join("venv/bin/python"));
    document.args(["-m", "pdoc", "--output-directory"]).arg(folder).arg("pintle");
    run(document.env("PYTHONPATH", site))
}

fn write_node(workshop: &Workshop, folder: &Path) -> Result<()> {
    let mut document = workshop.command("node");
    document.arg(setup::typedoc(workshop)).args(["--options", "xtask/typedoc/typedoc.json", "--out"]);
    run(document.arg(folder))
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {command:?}"))?;
    ensure!(status.success(), "failed ({status}): {command:?}");
    Ok(())
}
