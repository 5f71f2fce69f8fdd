//! Which steps `cargo xtask test` runs, in which order: cheap and general ones first.

use anyhow::{Result, ensure};

use crate::setup::Tool;
use crate::workshop::{Program, Run};

const CORE: &str = "pintle-core";
/// Drives the built binary and foreign programs, so it has a step of its own, after all others.
const E2E: &str = "pintle-e2e";

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
    let has = |name: &str| packages.iter().any(|package| package == name);
    let (all, but_e2e) = (select(extent, packages, None), select(extent, packages, Some(E2E)));
    let ignored: &[&str] = if tier == Tier::All { &["--", "--include-ignored"] } else { &[] };
    let mut steps = Vec::new();

    if extent == Extent::Workspace {
        steps.push(step("format", [cargo(&["fmt --all --check"])]));
    }
    if !all.is_empty() {
        steps.push(step("clippy", [cargo(&["clippy", &all, "--all-targets -- -D warnings"])]));
    }
    if extent == Extent::Workspace {
        steps.push(Step { needs: &[Tool::CargoDeny], ..step("deny", [deny("licenses bans sources")]) });
        steps.push(Step {
            needs: &[Tool::Debian, Tool::CargoDeny],
            preparation: Some(Preparation::FetchAdvisories),
            ..step("advisories", [deny("advisories")])
        });
        steps.push(step("layers", [cargo(&["test --package xtask --test layers"])]));
    }
    if has(CORE) {
        let check = "check --manifest-path xtask/no-std-check/Cargo.toml --target-dir target/no-std-check";
        steps.push(Step { preparation: Some(Preparation::CopyLockFile), ..step("core-no-std", [cargo(&[check])]) });
    }
    if !but_e2e.is_empty() {
        steps.push(step("tests", [cargo(&[&["test --no-fail-fast", &but_e2e, "--all-targets"], ignored].concat())]));
    }
    if has(CORE) {
        let rustcrypto = "--package pintle-core --no-default-features --features rustcrypto --all-targets";
        steps.push(step(
            "core-rustcrypto",
            [
                cargo(&["clippy", rustcrypto, "-- -D warnings"]),
                cargo(&[&["test --no-fail-fast", rustcrypto], ignored].concat()),
            ],
        ));
    }
    if !but_e2e.is_empty() {
        steps.push(step("doc-tests", [cargo(&["test --no-fail-fast", &but_e2e, "--doc"])]));
    }
    if tier == Tier::All && !all.is_empty() {
        let mut document = cargo(&["doc", &all, "--no-deps"]);
        document.environment.push(("RUSTDOCFLAGS", "-D warnings"));
        steps.push(step("documentation", [document]));
    }
    if has(E2E) {
        let test = cargo(&[&["test --no-fail-fast --package pintle-e2e"], ignored].concat());
        steps.push(Step { needs: &Tool::ALL, ..step("e2e", [cargo(&["build --package pintle"]), test]) });
    }
    steps
}

/// Cargo's arguments for the packages, empty if none is left.
fn select(extent: Extent, packages: &[String], without: Option<&str>) -> String {
    let (out, left): (Vec<&str>, Vec<&str>) =
        packages.iter().map(String::as_str).partition(|package| Some(*package) == without);
    match extent {
        Extent::Workspace => std::iter::once("--workspace".to_owned())
            .chain(out.iter().map(|name| format!(" --exclude {name}")))
            .collect(),
        Extent::Chosen => {
            left.iter().map(|name| format!("--package {name} ")).collect::<String>().trim_end().to_owned()
        }
    }
}

fn step<const N: usize>(name: &'static str, runs: [Run; N]) -> Step {
    Step { name, needs: &[], preparation: None, runs: runs.into() }
}

fn cargo(arguments: &[&str]) -> Run {
    Run::parse(Program::Cargo, &arguments.join(" "))
}

fn deny(checks: &str) -> Run {
    Run::parse(Program::CargoDeny, &format!("--workspace check {checks}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(tier: Tier, names: &[&str]) -> Vec<(&'static str, Vec<String>)> {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let members = owned(&["pintle-core", "pintle-api", "pintle-e2e", "pintle", "xtask"]);
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
                "deny",
                "advisories",
                "layers",
                "core-no-std",
                "tests",
                "core-rustcrypto",
                "doc-tests",
                "e2e"
            ]
        );
        assert!(steps.contains(&(
            "tests",
            vec!["cargo test --no-fail-fast --workspace --exclude pintle-e2e --all-targets".to_owned()]
        )));
    }

    #[test]
    fn the_slow_tier_adds_ignored_tests_and_the_documentation() {
        let steps = plan(Tier::All, &[]);
        let tests =
            "cargo test --no-fail-fast --workspace --exclude pintle-e2e --all-targets -- --include-ignored".to_owned();
        assert!(steps.contains(&("tests", vec![tests])));
        let documentation = "RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps".to_owned();
        assert!(steps.contains(&("documentation", vec![documentation])));
    }

    #[test]
    fn a_package_name_selects_the_steps_about_that_package() {
        let commands = |names: &[&str]| {
            plan(Tier::Default, names).into_iter().flat_map(|(_, commands)| commands).collect::<Vec<_>>()
        };
        assert_eq!(
            commands(&["api"]),
            [
                "cargo clippy --package pintle-api --all-targets -- -D warnings",
                "cargo test --no-fail-fast --package pintle-api --all-targets",
                "cargo test --no-fail-fast --package pintle-api --doc",
            ]
        );
        let core: Vec<&str> = plan(Tier::Default, &["core"]).into_iter().map(|(name, _)| name).collect();
        assert_eq!(core, ["clippy", "core-no-std", "tests", "core-rustcrypto", "doc-tests"]);
    }

    #[test]
    fn a_step_name_selects_that_step_whole() {
        assert_eq!(plan(Tier::Default, &["format"]), [("format", vec!["cargo fmt --all --check".to_owned()])]);
        let clippy = vec!["cargo clippy --workspace --all-targets -- -D warnings".to_owned()];
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
