//! Which steps `cargo xtask test` runs, in which order: cheap and general ones first.

use anyhow::{Result, ensure};

use crate::setup::Tool;
use crate::workshop::{ARM, PHONES, Program, Run};

const CORE: &str = "pintle-core";
const SDK: &str = "pintle-sdk";
/// Their tests know both databases.
const KNOW_POSTGRES: [&str; 2] = ["pintle-store", "pintle"];
/// Their tests run on whichever database the environment names.
const ON_BOTH_DATABASES: [&str; 2] = ["pintle-server", "pintle-service"];
/// Its tests compile C programs; Swift stands on it.
const C: &str = "pintle-c";
/// Tested by programs in their own language.
const PYTHON: &str = "pintle-python";
const NODE: &str = "pintle-node";
const JVM: &str = "pintle-jvm";
/// Drives the built binary and foreign programs.
const E2E: &str = "pintle-e2e";
/// Drive servers that stand in for clouds.
const KNOW_CLOUDS: [&str; 3] = ["pintle-publish", "pintle-service", "pintle"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tier {
    Default,
    /// Also what is slow.
    All,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) needs: &'static [Tool],
    pub(crate) preparation: Option<Preparation>,
    /// Run in order until one fails.
    pub(crate) runs: Vec<Run>,
}

/// What a step does before its first command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Preparation {
    /// Fetches the advisory database; out of reach, the step is skipped.
    FetchAdvisories,
    /// Looks whether the Debian that has Swift may be entered; where the machine forbids it, the step is skipped.
    EnterSwift,
    /// Looks whether there is what phones need; where rustup could not fetch it, the step is skipped.
    FindPhones,
    /// Gives the no-std check, a workspace of its own, the dependency versions of ours.
    CopyLockFile,
}

/// The packages steps are about: all members, or those a NAME chose.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    Workspace,
    Chosen,
}

/// All steps in order; with `names`, those whose name contains one of them, and of the packages whose name does, theirs.
pub(crate) fn make_plan(tier: Tier, names: &[String], members: &[String]) -> Result<Vec<Step>> {
    let whole = make_steps(tier, Extent::Workspace, members);
    if names.is_empty() {
        return Ok(whole);
    }
    let known: Vec<&str> = whole.iter().map(|step| step.name).chain(members.iter().map(String::as_str)).collect();
    for name in names {
        let is_known = known.iter().any(|known| known.contains(name.as_str()));
        ensure!(is_known, "no step and no package is named like {name}; there are {}", known.join(", "));
    }
    let is_named = |text: &str| names.iter().any(|name| text.contains(name.as_str()));
    let chosen: Vec<String> = members.iter().filter(|member| is_named(member)).cloned().collect();
    let of_chosen = make_steps(tier, Extent::Chosen, &chosen);
    let plan = whole.into_iter().filter_map(|step| {
        if is_named(step.name) { Some(step) } else { of_chosen.iter().find(|other| other.name == step.name).cloned() }
    });
    Ok(plan.collect())
}

fn make_steps(tier: Tier, extent: Extent, packages: &[String]) -> Vec<Step> {
    [make_checks(extent, packages), make_tests(tier, extent, packages), make_slow_checks(tier, extent)].concat()
}

/// What looks at the code without running it.
fn make_checks(extent: Extent, packages: &[String]) -> Vec<Step> {
    let mut steps = Vec::new();
    if extent == Extent::Workspace {
        let own_workspaces =
            ["fuzz", "benches"].map(|folder| format!("fmt --manifest-path {folder}/Cargo.toml --check"));
        let [fuzz, benches] = own_workspaces.map(|line| cargo(&line));
        steps.push(step("format", [cargo("fmt --all --check"), fuzz, benches]));
    }
    if let Some(selected) = select(extent, packages) {
        steps.push(step("clippy", [clippy(&format!("{selected} --all-features"))]));
        // Links that lead nowhere, and what is public and not documented.
        let document = Run {
            environment: vec![("RUSTDOCFLAGS", "-D warnings")],
            ..cargo(&format!("doc {selected} --all-features --no-deps"))
        };
        steps.push(step("documentation", [document]));
    }
    if extent == Extent::Workspace {
        steps.push(Step { needs: &[Tool::CargoDeny], ..step("deny", [deny("licenses bans sources")]) });
        steps.push(Step {
            needs: &[Tool::Debian, Tool::CargoDeny],
            preparation: Some(Preparation::FetchAdvisories),
            ..step("advisories", [deny("advisories")])
        });
        steps.push(step("layers", [cargo("test --package xtask --test layers")]));
        let scripts =
            Run::parse(Program::Node, "target/tools/node/node_modules/typescript/bin/tsc --project crates/server");
        steps.push(Step { needs: &[Tool::Node], ..step("scripts", [scripts]) });
    }
    if has(packages, CORE) {
        let check = "check --manifest-path xtask/no-std-check/Cargo.toml --target-dir target/no-std-check";
        steps.push(Step { preparation: Some(Preparation::CopyLockFile), ..step("core-no-std", [cargo(check)]) });
    }
    if has(packages, SDK) {
        // What an app links that brings its own TLS or its own fetching; elsewhere all features are on.
        let parts = ["", "--features rustls", "--features fetch"];
        let runs = parts.map(|features| clippy(&format!("--package {SDK} --no-default-features {features}")));
        steps.push(step("sdk-features", runs));
    }
    // Swift stands on the C library.
    let of_phones = PHONES.map(|phone| (if phone.contains("apple") { C } else { JVM }, phone));
    let checks =
        of_phones.map(|(package, phone)| (package, format!("check --locked --package {package} --target {phone}")));
    // The protocol, where numbers are as wide and instructions are those that phones have.
    let run = (CORE, format!("test --locked --package {CORE} --test vectors --target {ARM}"));
    let runs: Vec<Run> = checks
        .into_iter()
        .chain([run])
        .filter(|(package, _)| has(packages, package))
        .map(|(_, line)| Run::parse(Program::CargoForPhones, &line))
        .collect();
    if !runs.is_empty() {
        let (needs, preparation) = (&[Tool::Debian, Tool::Phones], Some(Preparation::FindPhones));
        steps.push(Step { name: "phones", needs, preparation, runs });
    }
    steps
}

fn make_tests(tier: Tier, extent: Extent, packages: &[String]) -> Vec<Step> {
    let run_ignored = if tier == Tier::All { "-- --include-ignored" } else { "" };
    // One failure must not hide the next.
    let test = |what: &str| cargo(&format!("test --no-fail-fast {what}"));
    let mut steps = Vec::new();
    let selected = select(extent, packages);
    if let Some(selected) = &selected {
        let mut tests = step("tests", [test(&format!("{selected} --all-features --all-targets {run_ignored}"))]);
        if KNOW_POSTGRES.iter().chain(&ON_BOTH_DATABASES).chain([&C]).any(|name| has(packages, name)) {
            tests.needs = &[Tool::Debian];
        }
        if KNOW_CLOUDS.iter().any(|name| has(packages, name)) {
            tests.needs = &[Tool::Debian, Tool::Python, Tool::Node, Tool::Go];
        }
        if has(packages, E2E) {
            tests.needs = &Tool::ALL;
            if extent == Extent::Chosen {
                // Journeys drive the built binary; with the whole workspace, its own tests have it built.
                tests.runs.insert(0, cargo("build --package pintle --all-features"));
            }
        }
        steps.push(tests);
    }
    let on_both: Vec<String> =
        ON_BOTH_DATABASES.iter().filter(|name| has(packages, name)).map(|name| format!("--package {name}")).collect();
    if !on_both.is_empty() {
        let again = test(&format!("{} --all-features --test it {run_ignored}", on_both.join(" ")));
        let again = Run { environment: vec![("PINTLE_TEST_DATABASE", "postgres")], ..again };
        steps.push(Step { needs: &[Tool::Debian], ..step("tests-postgres", [again]) });
    }
    if has(packages, CORE) {
        let pure_rust = format!("--package {CORE} --no-default-features --features rustcrypto");
        let runs = [clippy(&pure_rust), test(&format!("{pure_rust} --all-targets {run_ignored}"))];
        steps.push(step("core-rustcrypto", runs));
    }
    if has(packages, PYTHON) {
        let runs = [Run::parse(Program::Python, "bindings/python/tests")];
        steps.push(Step { needs: &[Tool::Python], ..step("python", runs) });
    }
    if has(packages, NODE) {
        let runs = [Run::parse(Program::Node, "bindings/node/test/run.js")];
        steps.push(Step { needs: &[Tool::Node], ..step("node", runs) });
    }
    if has(packages, JVM) {
        let builds = [
            "build --locked --package pintle-jvm --features dangerous-test",
            "build --locked --package pintle-testkit --example gauntlet",
        ];
        let [library, gauntlet] = builds.map(cargo);
        let test = Run::parse(Program::Maven, "--file bindings/jvm/pom.xml test");
        steps.push(Step { needs: &[Tool::Java], ..step("jvm", [library, gauntlet, test]) });
    }
    if has(packages, C) {
        let runs = [
            cargo("build --quiet --locked --package pintle-testkit --example gauntlet"),
            // A debug build with the door for vectors: what ships has neither.
            cargo("build --quiet --locked --package pintle-c --features dangerous-test"),
            Run::parse(Program::Make, "--silent -C bindings/swift native BUILT=../../target/debug"),
            Run::parse(Program::InSwift, "/pintle/bindings/swift/Tests/run"),
        ];
        let preparation = Some(Preparation::EnterSwift);
        steps.push(Step { needs: &[Tool::Debian, Tool::Swift], preparation, ..step("swift", runs) });
    }
    // What other languages load has no library that Rust documents.
    let documented: Vec<String> =
        packages.iter().filter(|name| ![PYTHON, NODE, JVM].contains(&name.as_str())).cloned().collect();
    if let Some(selected) = select(extent, &documented) {
        steps.push(step("doc-tests", [test(&format!("{selected} --all-features --doc"))]));
    }
    if extent == Extent::Workspace {
        // What goes into packages, and that it works there; `cargo xtask package` tries them as they ship.
        let runs = [cargo("xtask package --quick --out target/packages-quick")];
        steps.push(Step { needs: &[Tool::Debian, Tool::Python, Tool::Node], ..step("packages", runs) });
        // A minute per target, two at a time. It shows that each runs and holds on the seeds and what lies near them;
        // `cargo xtask fuzz` goes further.
        let runs = [cargo("xtask fuzz --minutes 1")];
        steps.push(Step { needs: &[Tool::Debian], ..step("fuzz", runs) });
    }
    steps
}

fn make_slow_checks(tier: Tier, extent: Extent) -> Vec<Step> {
    if tier != Tier::All || extent != Extent::Workspace {
        return Vec::new();
    }
    let place = |folder| format!("--manifest-path {folder}/Cargo.toml --target-dir target/{folder} --release");
    vec![step("clippy-outside", ["fuzz", "benches"].map(|folder| clippy(&place(folder))))]
}

fn has(packages: &[String], name: &str) -> bool {
    packages.iter().any(|package| package == name)
}

/// Cargo's arguments for the packages, if any is left.
fn select(extent: Extent, packages: &[String]) -> Option<String> {
    match extent {
        Extent::Workspace => Some("--workspace".to_owned()),
        Extent::Chosen if packages.is_empty() => None,
        Extent::Chosen => {
            Some(packages.iter().map(|package| format!("--package {package}")).collect::<Vec<_>>().join(" "))
        }
    }
}

fn step<const N: usize>(name: &'static str, runs: [Run; N]) -> Step {
    Step { name, needs: &[], preparation: None, runs: runs.into() }
}

fn cargo(line: &str) -> Run {
    Run::parse(Program::Cargo, line)
}

fn clippy(what: &str) -> Run {
    cargo(&format!("clippy --keep-going {what} --all-targets -- -D warnings"))
}

fn deny(checks: &str) -> Run {
    Run::parse(Program::CargoDeny, &format!("--workspace check {checks}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(tier: Tier, names: &[&str]) -> Vec<(&'static str, Vec<String>)> {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let members = owned(&[
            "pintle-core",
            "pintle-api",
            "pintle-sdk",
            PYTHON,
            NODE,
            JVM,
            C,
            "pintle-server",
            "pintle-e2e",
            "pintle",
            "xtask",
        ]);
        let plan = make_plan(tier, &owned(names), &members).unwrap();
        plan.into_iter().map(|step| (step.name, step.runs.iter().map(Run::to_string).collect())).collect()
    }

    #[test]
    fn without_names_every_step_runs_on_the_whole_workspace() {
        let steps = plan(Tier::Default, &[]);
        let names: Vec<&str> = steps.iter().map(|(name, _)| *name).collect();
        assert_eq!(
            names,
            [
                "format",
                "clippy",
                "documentation",
                "deny",
                "advisories",
                "layers",
                "scripts",
                "core-no-std",
                "sdk-features",
                "phones",
                "tests",
                "tests-postgres",
                "core-rustcrypto",
                "python",
                "node",
                "jvm",
                "swift",
                "doc-tests",
                "packages",
                "fuzz"
            ]
        );
        assert!(steps.contains(&(
            "tests",
            vec!["cargo test --no-fail-fast --workspace --all-features --all-targets".to_owned()]
        )));
    }

    #[test]
    fn the_slow_tier_adds_ignored_tests_and_looks_at_what_stands_outside_the_workspace() {
        let steps = plan(Tier::All, &[]);
        let tests =
            "cargo test --no-fail-fast --workspace --all-features --all-targets -- --include-ignored".to_owned();
        assert!(steps.contains(&("tests", vec![tests])));
        assert!(steps.iter().any(|(name, _)| *name == "clippy-outside"));
    }

    #[test]
    fn a_package_name_selects_the_steps_about_that_package() {
        let commands = |names: &[&str]| {
            plan(Tier::Default, names).into_iter().flat_map(|(_, commands)| commands).collect::<Vec<_>>()
        };
        assert_eq!(
            commands(&["api"]),
            [
                "cargo clippy --keep-going --package pintle-api --all-features --all-targets -- -D warnings",
                "RUSTDOCFLAGS='-D warnings' cargo doc --package pintle-api --all-features --no-deps",
                "cargo test --no-fail-fast --package pintle-api --all-features --all-targets",
                "cargo test --no-fail-fast --package pintle-api --all-features --doc",
            ]
        );
        let python: Vec<&str> = plan(Tier::Default, &["python"]).into_iter().map(|(name, _)| name).collect();
        assert_eq!(python, ["clippy", "documentation", "tests", "python"]);
        let core: Vec<&str> = plan(Tier::Default, &["core"]).into_iter().map(|(name, _)| name).collect();
        assert_eq!(core, ["clippy", "documentation", "core-no-std", "phones", "tests", "core-rustcrypto", "doc-tests"]);
    }

    #[test]
    fn what_stands_on_a_database_is_tested_on_both() {
        let steps = plan(Tier::Default, &["server"]);
        let (_, tests) = steps.iter().find(|(name, _)| *name == "tests-postgres").unwrap();
        let expected = "PINTLE_TEST_DATABASE='postgres' cargo test --no-fail-fast --package pintle-server --all-features --test it";
        assert_eq!(*tests, [expected]);
    }

    #[test]
    fn a_binding_is_tested_in_its_own_language() {
        let steps = plan(Tier::Default, &["pintle-python"]);
        assert!(steps.contains(&("python", vec!["target/tools/venv/bin/python bindings/python/tests".to_owned()])));
        let steps = plan(Tier::Default, &["swift"]);
        let [(name, commands)] = steps.as_slice() else { panic!("{steps:?}") };
        assert_eq!(*name, "swift");
        assert_eq!(commands[3], "chroot target/tools/swift /pintle/bindings/swift/Tests/run");
        let steps = plan(Tier::Default, &["pintle-node"]);
        assert!(steps.contains(&("node", vec!["node bindings/node/test/run.js".to_owned()])));
        let steps = plan(Tier::Default, &["pintle-jvm"]);
        let (_, jvm) = steps.iter().find(|(name, _)| *name == "jvm").unwrap();
        assert_eq!(jvm.last().unwrap(), "mvn --file bindings/jvm/pom.xml test");
    }

    #[test]
    fn journeys_chosen_by_name_have_their_binary_built_first() {
        let steps = plan(Tier::Default, &["e2e"]);
        let (_, tests) = steps.iter().find(|(name, _)| *name == "tests").unwrap();
        let expected = [
            "cargo build --package pintle --all-features",
            "cargo test --no-fail-fast --package pintle-e2e --all-features --all-targets",
        ];
        assert_eq!(*tests, expected);
    }

    #[test]
    fn a_step_name_selects_that_step_whole() {
        let [(name, commands)] = plan(Tier::Default, &["doc-tests"]).try_into().unwrap();
        assert_eq!(
            (name, commands),
            ("doc-tests", vec!["cargo test --no-fail-fast --workspace --all-features --doc".to_owned()])
        );
        let clippy =
            vec!["cargo clippy --keep-going --workspace --all-features --all-targets -- -D warnings".to_owned()];
        assert!(plan(Tier::Default, &["clippy", "api"]).contains(&("clippy", clippy)));
    }

    #[test]
    fn a_name_of_nothing_is_refused_with_the_names_there_are() {
        let (names, members) = (["api".to_owned(), "bogus".to_owned()], ["pintle-api".to_owned()]);
        let error = make_plan(Tier::Default, &names, &members).unwrap_err().to_string();
        assert!(error.starts_with("no step and no package is named like bogus; there are format, clippy,"), "{error}");
        assert!(error.ends_with(", pintle-api"), "{error}");
    }
}
