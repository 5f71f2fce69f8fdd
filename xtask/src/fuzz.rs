//! `cargo xtask fuzz`: builds the targets of `fuzz/`, gathers what to start from, and runs each for a while.

mod seeds;

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::thread;

use anyhow::{Context, Result, anyhow, ensure};
use base64ct::{Base64, Encoding as _};

use crate::setup::{self, Tool};
use crate::shipping;
use crate::workshop::Workshop;

/// Targets whose input is JSON: the dictionary holds its words.
const JSON_TARGETS: [&str; 4] = ["bundle", "claims", "signed", "stored_state"];

/// As many as the smallest machine that CI runs on has processors.
const AT_A_TIME: usize = 2;

/// How one target ended.
struct Report {
    target: String,
    executions: u64,
    passed: bool,
}

/// Runs all targets, or those whose name contains one of `names`, each for `minutes`. Exit status 1 if any found
/// something.
pub(crate) fn run(workshop: &Workshop, minutes: f64, names: &[String]) -> Result<ExitCode> {
    ensure!(minutes > 0.0 && minutes.is_finite(), "--minutes takes a number above 0");
    let targets = choose(list_targets(workshop)?, names)?;
    setup::install(workshop, [Tool::Debian])?;
    let built = cargo(workshop).args(["build", "--release", "--locked"]).status().context("cannot start cargo")?;
    ensure!(built.success(), "the fuzz targets do not build");
    let binaries = workshop.path("target/fuzz").join(shipping::host(workshop)?).join("release");
    seeds::gather(&workshop.path("vectors"), &workshop.path("target/fuzz/seeds"))?;
    let mut reports = Vec::new();
    for targets in targets.chunks(AT_A_TIME) {
        println!("fuzz: {}, for {minutes} minutes", targets.join(" and "));
        let fuzz = |target: &String| fuzz(workshop, &binaries, target.clone(), minutes);
        let ended: Vec<_> = thread::scope(|scope| {
            let running: Vec<_> = targets.iter().map(|target| scope.spawn(move || fuzz(target))).collect();
            running.into_iter().map(|target| target.join()).collect()
        });
        for report in ended {
            reports.push(report.map_err(|_| anyhow!("running a target panicked"))??);
        }
    }
    print_summary(&reports);
    Ok(if reports.iter().all(|report| report.passed) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn list_targets(workshop: &Workshop) -> Result<Vec<String>> {
    let folder = workshop.path("fuzz/targets");
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut targets = entries
        .map(|entry| {
            let path = entry?.path();
            Ok(path.file_stem().unwrap_or_default().to_string_lossy().into_owned())
        })
        .collect::<Result<Vec<_>>>()?;
    targets.sort();
    Ok(targets)
}

fn choose(targets: Vec<String>, names: &[String]) -> Result<Vec<String>> {
    if let Some(name) = names.iter().find(|name| !targets.iter().any(|target| target.contains(*name))) {
        anyhow::bail!("no target is named like {name}; there are {}", targets.join(", "));
    }
    let is_chosen = |target: &String| names.is_empty() || names.iter().any(|name| target.contains(name));
    Ok(targets.into_iter().filter(is_chosen).collect())
}

/// In the folder whose configuration holds the flags; flags from the environment would replace them.
fn cargo(workshop: &Workshop) -> Command {
    let mut command = workshop.cargo();
    command.current_dir(workshop.path("fuzz")).env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    command
}

fn fuzz(workshop: &Workshop, binaries: &Path, target: String, minutes: f64) -> Result<Report> {
    let folder = |kind: &str| workshop.path("target/fuzz").join(kind);
    let (corpus, findings, logs) = (folder("corpus").join(&target), folder("findings"), folder("logs"));
    for folder in [&corpus, &findings, &logs] {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let log_path = logs.join(format!("{target}.log"));
    let log = File::create(&log_path).with_context(|| format!("cannot write {}", log_path.display()))?;
    let mut command = workshop.command(binaries.join(&target));
    command.arg("-print_final_stats=1").arg(format!("-max_total_time={}", (minutes * 60.0).ceil()));
    command.arg(format!("-artifact_prefix={}/{target}-", findings.display()));
    if JSON_TARGETS.contains(&target.as_str()) {
        command.arg(format!("-dict={}", workshop.path("fuzz/json.dict").display()));
    }
    // The first folder takes what is found on the way, the others are only read.
    let seeds = [workshop.path("fuzz/seeds").join(&target), folder("seeds").join(&target)];
    command.arg(corpus).args(seeds.iter().filter(|folder| folder.is_dir()));
    let status =
        command.stdout(log.try_clone()?).stderr(log).status().with_context(|| format!("cannot run {target}"))?;
    let said = read_lossy(&log_path)?;
    if !status.success() {
        println!("{}\nfuzz: {target} found something; the whole log: {}", tail(&said), log_path.display());
        if let Some(finding) = finding_in(&said).and_then(|path| fs::read(path).ok()) {
            // What CI prints is all that is left of its machine.
            println!("fuzz: the input, for `base64 -d`: {}", Base64::encode_string(&finding));
        }
    }
    Ok(Report { target, executions: executions_in(&said), passed: status.success() })
}

fn read_lossy(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn executions_in(log: &str) -> u64 {
    let counted = log.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
    counted.and_then(|count| count.trim().parse().ok()).unwrap_or(0)
}

/// The file that holds the input of the finding.
fn finding_in(log: &str) -> Option<&str> {
    log.lines().find_map(|line| line.split_once("Test unit written to ")).map(|(_, path)| path.trim())
}

/// From where the target spoke last.
fn tail(log: &str) -> &str {
    log.find("panicked at").or_else(|| log.find("ERROR: libFuzzer")).and_then(|start| log.get(start..)).unwrap_or(log)
}

fn print_summary(reports: &[Report]) {
    println!("\n{:<16} {:<8} {:>12}", "target", "result", "executions");
    for report in reports {
        let result = if report.passed { "passed" } else { "FAILED" };
        println!("{:<16} {result:<8} {:>12}", report.target, report.executions);
    }
    println!("{:<25} {:>12}", "in all", reports.iter().map(|report| report.executions).sum::<u64>());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_chosen_by_part_of_its_name() {
        let targets = || vec!["claims".to_owned(), "host_names".to_owned()];
        assert_eq!(choose(targets(), &[]).unwrap(), targets());
        assert_eq!(choose(targets(), &["host".to_owned()]).unwrap(), ["host_names"]);
        let error = choose(targets(), &["jwt".to_owned()]).unwrap_err().to_string();
        assert_eq!(error, "no target is named like jwt; there are claims, host_names");
    }

    #[test]
    fn the_finding_is_read_from_the_log() {
        let log =
            "SUMMARY: libFuzzer: deadly signal\nartifact_prefix='/t/jws-'; Test unit written to /t/jws-crash-ad9b\n";
        assert_eq!(finding_in(log), Some("/t/jws-crash-ad9b"));
        assert_eq!(finding_in("#8 DONE\n"), None);
    }

    #[test]
    fn executions_are_read_from_the_final_statistics() {
        assert_eq!(
            executions_in("#8 DONE\nstat::number_of_executed_units: 1730466\nstat::peak_rss_mb: 82\n"),
            1_730_466
        );
        assert_eq!(executions_in("thread panicked at targets/jws.rs\n"), 0);
    }
}
