//! The workshop's own commands, run as `cargo xtask …`: `setup` installs what the tests need beyond Rust,
//! `test` runs every check the project has, `fuzz` and `bench` go further, `sbom` says what ships, `package` makes what app
//! developers install, `docs` what they read, `screenshots` shows what people see. It builds before everything else and therefore names none of our crates.
#![expect(clippy::print_stderr, clippy::print_stdout, reason = "a command-line tool speaks on its streams")]

mod bench;
mod dist;
mod docs;
mod fuzz;
mod notices;
mod package;
mod plan;
mod sbom;
mod screenshots;
mod setup;
mod shipping;
mod test;
mod workshop;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand, ValueEnum};

use workshop::Workshop;

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about = "The workshop's own commands")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install what the tests need beyond Rust: Debian packages, mitmproxy, schemathesis, cargo-deny, Swift
    ///
    /// Everything but the Debian packages goes to target/tools; nothing else on this machine changes. What is already
    /// there is left alone, so a second run takes a moment.
    Setup,
    /// Run the tests, after installing what they need
    ///
    /// Without NAME every step runs, each even if an earlier one failed; the closing table says how each ended and the
    /// exit status is 1 if any failed. Steps that cannot run here, `#[ignore]`d tests and tests that found at run time
    /// that they cannot run are listed last. A test reports the latter by writing one line
    /// `SKIPPED: <test>: <reason>` to `std::io::stderr()` (not with `eprintln!`, which cargo captures).
    Test {
        /// Also run what is slow: `#[ignore]`d tests, and clippy on `fuzz` and `benches`
        #[arg(long)]
        all: bool,
        /// Run only the steps whose name contains NAME, and of the packages whose name does, theirs
        #[arg(value_name = "NAME")]
        names: Vec<String>,
    },
    /// Feed the protocol core hostile input, guided by coverage
    ///
    /// What is found lies in target/fuzz/findings afterwards, and the exit status is 1. Run one again with
    /// `cd fuzz && cargo run --release --bin TARGET -- FILE`. The corpus in target/fuzz/corpus grows from run to run.
    Fuzz {
        /// How long each target runs; parts of a minute are fine
        #[arg(long, value_name = "N", default_value_t = 1.0)]
        minutes: f64,
        /// Run only the targets whose name contains TARGET
        #[arg(value_name = "TARGET")]
        targets: Vec<String>,
    },
    /// Write what the shipped binary is made of: a CycloneDX bill of materials
    ///
    /// Every library that the binary links on TARGET, with licence, hash of its archive and what it depends on; neither
    /// tests nor build scripts. It is made from Cargo.lock and holds no time: the same sources give the same bytes.
    Sbom {
        /// Where to write it
        #[arg(long, value_name = "FILE", default_value = "target/sbom/pintle.cdx.json")]
        out: PathBuf,
        /// For which machine, as rustc names it
        #[arg(long, value_name = "TARGET", default_value = "x86_64-unknown-linux-gnu")]
        target: String,
    },
    /// Look at every page of the dashboard: three widths, light and dark, on one sheet in target/screenshots
    Screenshots,
    /// Build what developers of apps install: crates, C tarball, Python wheel, npm package, jar, AAR, Swift package
    ///
    /// Each is built as it ships (profile `sdk`) and installed into an empty project, where the README's quick start and the app
    /// of examples/ run against a server that is pinned and one that is not; a package that holds a door for tests is refused. A
    /// table tells the sizes. For the platform this runs on.
    Package {
        /// Where to
        #[arg(long, value_name = "FOLDER", default_value = "target/packages")]
        out: PathBuf,
        /// Also make the AAR, of the libraries in FOLDER, built with Android's NDK: `arm64-v8a/libpintle_jvm.so` and so on
        #[arg(long, value_name = "FOLDER")]
        android: Option<PathBuf>,
        /// As the tests do: debug builds, of what needs neither Maven nor Swift. Nothing of it is to ship
        #[arg(long, conflicts_with = "android")]
        quick: bool,
    },
    /// Build what operators install: server and command line as a tarball, for x86-64 Linux with glibc 2.17 or later
    ///
    /// With manual, completions, systemd unit and bill of materials, built as it ships (profile `dist`). It is unpacked as
    /// docs/operations/install.md says, and runs the demo there with no network but loopback.
    Dist {
        /// Where to
        #[arg(long, value_name = "FOLDER", default_value = "target/dist")]
        out: PathBuf,
    },
    /// Write the reference of every SDK to target/docs, one folder for each language
    ///
    /// Installs the tools it needs. Fails where something public is not documented. Open target/docs/index.html.
    Docs {
        /// Only the languages named so: rust, c, kotlin, swift, python, node
        #[arg(value_name = "LANGUAGE")]
        languages: Vec<docs::Language>,
    },
    /// Measure how far from the physical limit we are
    ///
    /// Prints each figure beside its limit, both taken in the same run; the exit status is 1 if a limit is missed.
    Bench {
        /// What to measure
        what: Bench,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Bench {
    /// Verifying a configuration and deciding a connection
    Core,
    /// Set-up, decision and handshake through every language's package, beside connections without pins
    Sdk,
    /// Hours of the drift monitor over 10,000 domains with a clock of its own: handshakes, processor, memory
    /// (`PINTLE_BENCH_HOURS`, 6 unless set)
    Monitor,
    /// How long the server needs for each page of the dashboard, for a project with 1,000 domains, and what pages weigh
    Pages,
    /// How many requests the built-in origin answers, beside nginx with the same file
    Origin,
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(status) => status,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    let workshop = Workshop::open()?;
    match command {
        Command::Setup => {
            setup::install(&workshop, setup::Tool::ALL)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Test { all, names } => {
            let tier = if all { plan::Tier::All } else { plan::Tier::Default };
            test::run(&workshop, tier, &names)
        }
        Command::Fuzz { minutes, targets } => fuzz::run(&workshop, minutes, &targets),
        Command::Sbom { out, target } => {
            sbom::write(&workshop, sbom::PINTLE, &target, &workshop.path(out))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Screenshots => {
            screenshots::run(&workshop)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Package { out, android, quick } => {
            let build = if quick { package::Build::Quick } else { package::Build::Shipped };
            let android = android.map(|folder| workshop.path(folder));
            package::make_all(&workshop, &workshop.path(out), build, android.as_deref())?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Dist { out } => {
            dist::make(&workshop, &workshop.path(out))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Docs { languages } => {
            docs::write(&workshop, &languages)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Bench { what: Bench::Core } => bench::run_core(&workshop),
        Command::Bench { what: Bench::Sdk } => bench::run_sdk(&workshop),
        Command::Bench { what: Bench::Pages } => bench::run_pages(&workshop),
        Command::Bench { what: Bench::Origin } => bench::run_origin(&workshop),
        Command::Bench { what: Bench::Monitor } => bench::run_monitor(&workshop),
    }
}
