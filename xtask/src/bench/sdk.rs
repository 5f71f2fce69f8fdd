//! `cargo xtask bench sdk`: what ships in each language, against a real server, beside the same connection without pins.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::package::{self, swift};
use crate::setup;
use crate::workshop::{Workshop, read};

const SWIFT: &str = "Swift";
/// What setting up from disk may take with a hundred domains, in nanoseconds.
const MAX_SET_UP: f64 = 2e6;
/// What one decision may take, 99 of 100 times.
const MAX_DECISION: f64 = 10e3;
/// How much longer a pinned handshake may take than an unpinned one: what loopback and scheduler add and take away by themselves.
const MAX_HANDSHAKE: f64 = 1.15;

/// One figure of a language, in nanoseconds.
#[derive(Clone, Copy)]
struct Figure {
    /// The one that nothing disturbed.
    least: f64,
    p50: f64,
    p99: f64,
}

/// Whether every limit is met.
pub(crate) fn run(workshop: &Workshop) -> Result<bool> {
    let packages = workshop.path("target/packages");
    package::make_all(workshop, &packages, package::Build::Shipped, None)?;
    let scratch = workshop.path("target/package");
    let gauntlet = build_gauntlet(workshop)?;
    let mut all_met = true;
    println!("\n{:<8} {:<28} {:>12} {:>12} {:>12}   {:<16}", "language", "figure", "least", "median", "p99", "limit");
    let mut programs = vec![
        ("C", c_program(workshop, &scratch)?),
        ("Python", python_program(workshop, &scratch)),
        ("Node", node_program(workshop, &scratch)),
        ("JVM", jvm_program(workshop, &scratch)?),
    ];
    match setup::swift_is_forbidden(workshop) {
        None => programs.push((SWIFT, swift_program(workshop, &scratch)?)),
        Some(why) => println!("SKIPPED: Swift: {why}"),
    }
    for (language, program) in programs {
        let folder = scratch.join("bench").join(language);
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let server = Server::start(&gauntlet, &folder)?;
        let seen_by_it = if language == SWIFT { workshop.path_in_swift(&folder)? } else { folder };
        let figures = measure(program, &seen_by_it, server.port).with_context(|| language.to_owned())?;
        all_met &= print(language, &figures)?;
    }
    Ok(all_met)
}

fn build_gauntlet(workshop: &Workshop) -> Result<PathBuf> {
    let mut build = workshop.cargo();
    build.args(["build", "--release", "--locked", "--quiet", "--package", "pintle-testkit", "--example", "gauntlet"]);
    ensure!(build.status().context("cannot start cargo")?.success(), "the server was not built");
    Ok(workshop.path("target/release/examples/gauntlet"))
}

/// Compiled against what the tarball holds.
fn c_program(workshop: &Workshop, scratch: &Path) -> Result<Command> {
    let (installed, program) = (scratch.join("c/pintle-c"), scratch.join("bench-c"));
    let mut compile = workshop.command("cc");
    compile.args(["-O2", "benches/sdk/bench.c", "-o"]).arg(&program).arg("-I").arg(installed.join("include"));
    for adapter in ["pintle_curl.c", "pintle_openssl.c"] {
        compile.arg(installed.join("share/pintle").join(adapter));
    }
    let library = installed.join("lib");
    compile.arg("-L").arg(&library).args(["-lpintle_c", "-lcurl", "-lssl", "-lcrypto"]);
    read(compile)?;
    let mut command = workshop.command(program);
    // In place of Cargo's own, which would have the debug build of the tests found first.
    command.env("LD_LIBRARY_PATH", library);
    Ok(command)
}

fn python_program(workshop: &Workshop, scratch: &Path) -> Command {
    let mut command = workshop.command(workshop.tools().join("venv/bin/python"));
    command.arg("benches/sdk/bench.py").env("PYTHONPATH", scratch.join("site"));
    command
}

fn node_program(workshop: &Workshop, scratch: &Path) -> Command {
    let mut command = workshop.command("node");
    command.arg("benches/sdk/bench.js").env("NODE_PATH", scratch.join("project/node_modules"));
    command
}

/// With what the README's project has.
fn jvm_program(workshop: &Workshop, scratch: &Path) -> Result<Command> {
    let classpath =
        fs::read_to_string(scratch.join("maven/classpath")).context("the README's project has a class path")?;
    let mut command = workshop.command("java");
    command.args(["-cp", &classpath, "benches/sdk/Bench.java"]);
    Ok(command)
}

/// The example's project with another program in it, which borrows its OpenSSL client.
fn swift_program(workshop: &Workshop, scratch: &Path) -> Result<Command> {
    let project = scratch.join("swift/example");
    fs::copy(workshop.path("benches/sdk/bench.swift"), project.join("Sources/App/main.swift"))
        .context("cannot copy the program")?;
    let mut build = swift::in_swift(workshop, scratch, &project)?;
    build.args(["swift", "build", "--quiet", "--configuration", "release"]);
    read(build)?;
    let mut command = swift::in_swift(workshop, scratch, &project)?;
    command.arg(".build/release/App");
    Ok(command)
}

/// The gauntlet's servers, until this is dropped.
struct Server {
    process: Child,
    stdin: Option<ChildStdin>,
    port: u64,
}

impl Server {
    fn start(gauntlet: &Path, folder: &Path) -> Result<Self> {
        let mut process =
            Command::new(gauntlet).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("cannot start it")?;
        let mut stdin = process.stdin.take().context("it has an input")?;
        writeln!(stdin, "start hundred_domains {}", folder.display())?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().context("it has an output")?).read_line(&mut line)?;
        let answer: Value = serde_json::from_str(&line).context("the server does not say where it is")?;
        let port = answer.get("port").and_then(Value::as_u64).context("the server has no port")?;
        Ok(Self { process, stdin: Some(stdin), port })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stdin = None;
        let _status = self.process.wait();
    }
}

fn measure(mut program: Command, folder: &Path, port: u64) -> Result<BTreeMap<String, Figure>> {
    program.arg(folder).arg(port.to_string()).env("no_proxy", "*");
    let mut figures = BTreeMap::new();
    for line in read(program)?.lines() {
        let line: Value = serde_json::from_str(line).with_context(|| format!("no figure: {line}"))?;
        let number = |name: &str| line.get(name).and_then(Value::as_f64).with_context(|| format!("no {name}: {line}"));
        let name = line.get("name").and_then(Value::as_str).context("a figure without a name")?;
        figures.insert(name.to_owned(), Figure { least: number("least")?, p50: number("p50")?, p99: number("p99")? });
    }
    Ok(figures)
}

/// Whether every limit is met.
fn print(language: &str, figures: &BTreeMap<String, Figure>) -> Result<bool> {
    let (Some(unpinned), Some(_), Some(_), Some(_)) = (
        figures.get("handshake, unpinned"),
        figures.get("handshake, pinned"),
        figures.get("set-up"),
        figures.get("decision"),
    ) else {
        bail!("{language} leaves a figure out: {:?}", figures.keys());
    };
    let mut all_met = true;
    for (name, figure) in figures {
        let limit = match name.as_str() {
            "set-up" => Some((figure.p50 <= MAX_SET_UP, "median 2 ms".to_owned())),
            "decision" => Some((figure.p99 <= MAX_DECISION, "p99 10 µs".to_owned())),
            "handshake, pinned" => {
                let ratio = figure.least / unpinned.least;
                Some((ratio <= MAX_HANDSHAKE, format!("{ratio:.2} × unpinned, of at most {MAX_HANDSHAKE}")))
            }
            _ => None,
        };
        let verdict = limit.map_or(String::new(), |(met, limit)| {
            all_met &= met;
            format!("{} {limit}", if met { "met   " } else { "MISSED" })
        });
        let micros = |nanos: f64| format!("{:.1} µs", nanos / 1e3);
        let [least, p50, p99] = [figure.least, figure.p50, figure.p99].map(micros);
        println!("{language:<8} {name:<28} {least:>11} {p50:>11} {p99:>11}   {verdict}");
    }
    Ok(all_met)
}
