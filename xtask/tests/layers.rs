//! The laws of ARCHITECTURE.md about who may name whom, held against `cargo metadata`:
//!
//! - a crate names only crates of lower levels, so siblings never name each other;
//! - dev-dependencies obey the same law, but may add `pintle-testkit`, which is a dev-dependency everywhere but in
//!   `pintle-e2e`, and itself names only levels 0 and 1;
//! - bindings name nothing but the SDK, path and core, and what runs on a phone never reaches `pintle-sign`;
//! - every package has a level.

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

const LEVELS: [(&str, u8); 16] = [
    ("pintle-core", 0),
    ("pintle-sign", 1),
    ("pintle-path", 1),
    ("pintle-api", 1),
    ("pintle-store", 1),
    ("pintle-publish", 1),
    ("pintle-discover", 1),
    (TESTKIT, 1),
    ("pintle-sdk", 2),
    ("pintle-service", 2),
    ("pintle-server", 3),
    ("pintle-cli", 3),
    ("pintle-example", 3),
    ("pintle", 4),
    (E2E, 5),
    ("xtask", 5),
];
/// Of every package under `bindings/`.
const BINDINGS_LEVEL: u8 = 3;
const BINDINGS_MAY_NAME: [&str; 3] = ["pintle-core", "pintle-path", "pintle-sdk"];
const TESTKIT: &str = "pintle-testkit";
/// Nothing of it ships: its library is what its tests share.
const E2E: &str = "pintle-e2e";
const SIGN: &str = "pintle-sign";
/// What an app links, besides the bindings.
const ON_THE_PHONE: [&str; 3] = ["pintle-core", "pintle-path", "pintle-sdk"];

/// A package of the workspace and those it names there.
#[derive(Clone, Default)]
struct Package {
    is_binding: bool,
    normal: BTreeSet<String>,
    dev: BTreeSet<String>,
}

type Graph = BTreeMap<String, Package>;

#[test]
fn the_workspace_obeys_the_laws() {
    let graph = read_graph();
    assert!(graph.contains_key("pintle-core"), "cargo metadata shows another workspace");
    let violations = find_violations(&graph);
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

fn find_violations(graph: &Graph) -> Vec<String> {
    let mut violations = Vec::new();
    for (name, package) in graph {
        let Some(level) = level_of(name, package) else {
            violations.push(format!("{name} has no level: add it to LEVELS here and to ARCHITECTURE.md"));
            continue;
        };
        for named in &package.normal {
            violations.extend(judge_normal(graph, name, package, level, named));
        }
        for named in &package.dev {
            violations.extend(judge_dev(graph, name, level, named));
        }
        let on_the_phone = package.is_binding || ON_THE_PHONE.contains(&name.as_str());
        if on_the_phone && reachable(graph, name).contains(SIGN) {
            violations.push(format!("{name} reaches {SIGN}: nothing on a phone may"));
        }
    }
    violations
}

fn judge_normal(graph: &Graph, name: &str, package: &Package, level: u8, named: &str) -> Option<String> {
    if named == TESTKIT {
        let complaint = || format!("{name} names {TESTKIT} outside its dev-dependencies");
        return (name != E2E).then(complaint);
    }
    if package.is_binding && !BINDINGS_MAY_NAME.contains(&named) {
        return Some(format!("the binding {name} names {named}: allowed are {}", BINDINGS_MAY_NAME.join(", ")));
    }
    judge_level(graph, name, level, named)
}

fn judge_dev(graph: &Graph, name: &str, level: u8, named: &str) -> Option<String> {
    // A crate names itself to switch on one of its own features for its tests.
    if named == TESTKIT || named == name { None } else { judge_level(graph, name, level, named) }
}

fn judge_level(graph: &Graph, name: &str, level: u8, named: &str) -> Option<String> {
    let package = graph.get(named);
    let Some(named_level) = package.and_then(|package| level_of(named, package)) else {
        return Some(format!("{name} names {named}, which is no package of the workspace with a level"));
    };
    // Testkit is on level 1 for those that name it; it may itself name its siblings.
    let ceiling = if name == TESTKIT { 2 } else { level };
    (named_level >= ceiling).then(|| format!("{name} (level {level}) names {named} (level {named_level})"))
}

fn level_of(name: &str, package: &Package) -> Option<u8> {
    if package.is_binding {
        return Some(BINDINGS_LEVEL);
    }
    LEVELS.iter().find(|(known, _)| *known == name).map(|(_, level)| *level)
}

/// Every package that gets linked where `name` is.
fn reachable(graph: &Graph, name: &str) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let mut open = vec![name.to_owned()];
    while let Some(next) = open.pop() {
        for named in graph.get(&next).into_iter().flat_map(|package| &package.normal) {
            if seen.insert(named.clone()) {
                open.push(named.clone());
            }
        }
    }
    seen
}

fn read_graph() -> Graph {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let root = metadata["workspace_root"].as_str().unwrap();
    metadata["packages"].as_array().unwrap().iter().map(|package| read_package(package, root)).collect()
}

fn read_package(metadata: &Value, root: &str) -> (String, Package) {
    let manifest = metadata["manifest_path"].as_str().unwrap();
    let mut package = Package { is_binding: manifest.starts_with(&format!("{root}/bindings/")), ..Package::default() };
    for dependency in metadata["dependencies"].as_array().unwrap() {
        // Only our own packages come from a path; optional ones count like all others.
        if dependency["path"].is_null() {
            continue;
        }
        let named = dependency["name"].as_str().unwrap().to_owned();
        let is_dev = dependency["kind"] == "dev";
        if is_dev { &mut package.dev } else { &mut package.normal }.insert(named);
    }
    (metadata["name"].as_str().unwrap().to_owned(), package)
}

/// Graphs made up to see each law broken.
mod synthetic {
    use super::*;

    fn package(normal: &[&str], dev: &[&str]) -> Package {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Package { is_binding: false, normal: owned(normal), dev: owned(dev) }
    }

    fn binding(normal: &[&str]) -> Package {
        Package { is_binding: true, ..package(normal, &[]) }
    }

    fn lawful() -> Graph {
        [
            ("pintle-core", package(&[], &[TESTKIT])),
            (SIGN, package(&["pintle-core"], &[TESTKIT])),
            ("pintle-path", package(&["pintle-core"], &[])),
            ("pintle-store", package(&["pintle-core"], &["pintle-store"])),
            (TESTKIT, package(&["pintle-core", SIGN], &[])),
            ("pintle-sdk", package(&["pintle-core", "pintle-path"], &[SIGN, TESTKIT])),
            ("pintle-service", package(&["pintle-core", SIGN, "pintle-store"], &[])),
            ("pintle-server", package(&["pintle-service", "pintle-store"], &[])),
            ("pintle", package(&["pintle-server", SIGN], &[])),
            ("pintle-e2e", package(&[], &["pintle", TESTKIT])),
            ("pintle-c", binding(&["pintle-sdk"])),
        ]
        .map(|(name, package)| (name.to_owned(), package))
        .into()
    }

    fn violations_with(name: &str, package: Package) -> Vec<String> {
        let mut graph = lawful();
        graph.insert(name.to_owned(), package);
        find_violations(&graph)
    }

    #[test]
    fn a_lawful_graph_passes() {
        assert_eq!(find_violations(&lawful()), [""; 0]);
    }

    #[test]
    fn a_crate_naming_a_higher_level_is_found() {
        let found = violations_with("pintle-store", package(&["pintle-service"], &[]));
        assert_eq!(found, ["pintle-store (level 1) names pintle-service (level 2)"]);
    }

    #[test]
    fn siblings_naming_each_other_are_found_even_among_dev_dependencies() {
        assert_eq!(
            violations_with("pintle-store", package(&[SIGN], &[])),
            ["pintle-store (level 1) names pintle-sign (level 1)"]
        );
        assert_eq!(
            violations_with("pintle-store", package(&[], &[SIGN])),
            ["pintle-store (level 1) names pintle-sign (level 1)"]
        );
    }

    #[test]
    fn core_naming_any_of_ours_is_found() {
        let found = violations_with("pintle-core", package(&["pintle-path"], &[]));
        assert!(found.contains(&"pintle-core (level 0) names pintle-path (level 1)".to_owned()), "{found:?}");
    }

    #[test]
    fn testkit_outside_dev_dependencies_is_found() {
        let found = violations_with("pintle-server", package(&[TESTKIT], &[]));
        assert_eq!(found, ["pintle-server names pintle-testkit outside its dev-dependencies"]);
    }

    #[test]
    fn testkit_naming_more_than_levels_0_and_1_is_found() {
        let found = violations_with(TESTKIT, package(&["pintle-core", "pintle-sdk"], &[]));
        assert_eq!(found, ["pintle-testkit (level 1) names pintle-sdk (level 2)"]);
    }

    #[test]
    fn a_binding_naming_more_than_the_sdk_is_found() {
        let found = violations_with("pintle-c", binding(&["pintle-sdk", "pintle-store"]));
        assert_eq!(
            found,
            ["the binding pintle-c names pintle-store: allowed are pintle-core, pintle-path, pintle-sdk"]
        );
    }

    #[test]
    fn sign_reached_from_a_phone_through_others_is_found() {
        let found = violations_with("pintle-path", package(&["pintle-core", SIGN], &[]));
        for on_the_phone in ["pintle-path", "pintle-sdk", "pintle-c"] {
            let wanted = format!("{on_the_phone} reaches pintle-sign: nothing on a phone may");
            assert!(found.contains(&wanted), "{wanted} is not among {found:?}");
        }
    }

    #[test]
    fn a_package_without_a_level_is_found() {
        let found = violations_with("pintle-utils", package(&[], &[]));
        assert_eq!(found, ["pintle-utils has no level: add it to LEVELS here and to ARCHITECTURE.md"]);
    }

    #[test]
    fn a_dependency_outside_the_workspace_members_is_found() {
        let found = violations_with("pintle-store", package(&["pintle-elsewhere"], &[]));
        assert_eq!(found, ["pintle-store names pintle-elsewhere, which is no package of the workspace with a level"]);
    }
}
