//! The language-neutral cases in `vectors/`: what is in the files, and which rule they cover. Running a case is the
//! business of whoever implements the rules.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_json::{Map, Value};

/// One file: what its cases share, and the cases.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suite {
    /// Folder and stem, e.g. `verify/header`.
    #[serde(skip)]
    pub name: String,
    /// Which question the cases ask.
    pub kind: String,
    /// For readers.
    pub about: String,
    /// Material by group and name.
    pub shared: Map<String, Value>,
    /// In the file's order.
    pub cases: Vec<Case>,
}

/// One question and its answer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Unique in its file.
    pub name: String,
    /// The rules it shows, e.g. `P-3.7`.
    pub rules: Vec<String>,
    /// The protocol level it needs (P-9.3).
    pub level: u32,
    /// The question.
    pub input: Value,
    /// The answer.
    pub expect: Value,
}

/// A reason on file: for a case that an implementation skips, or for a rule that has no case yet.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// `suite/name` of the case, or the rule.
    pub of: String,
    /// Why.
    pub reason: String,
}

/// The folder `vectors/` of the project.
#[must_use]
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors")
}

/// Every file of cases, in the order of their names.
#[must_use]
pub fn load() -> Vec<Suite> {
    let files: BTreeSet<PathBuf> =
        list(&folder()).into_iter().filter(|path| path.is_dir()).flat_map(|kind| list(&kind)).collect();
    files.iter().map(|path| load_suite(path)).collect()
}

fn load_suite(path: &Path) -> Suite {
    let mut suite: Suite = read(path);
    suite.name = path.strip_prefix(folder()).expect("below the folder").with_extension("").display().to_string();
    suite
}

/// The rules without a case, each with the reason (`vectors/rules_without_cases.json`).
#[must_use]
pub fn load_rules_without_cases() -> Vec<Exception> {
    read(&folder().join("rules_without_cases.json"))
}

fn list(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder of the vectors");
    entries.map(|entry| entry.expect("an entry of the folder").path()).collect()
}

#[expect(clippy::panic, reason = "test support: a panic is how a test fails")]
fn read<T: for<'a> Deserialize<'a>>(path: &Path) -> T {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every rule of a series that the text states, in its order: of `P`, as `**P-1.1**`.
#[must_use]
pub fn parse_rules(text: &str, series: char) -> Vec<String> {
    let mark = format!("**{series}-");
    let starts = text.match_indices(&mark).map(|(at, _)| at + 2);
    starts.filter_map(|at| text.get(at..)?.split_once("**")).map(|(rule, _)| rule.to_owned()).collect()
}

/// Markdown: per rule, how many cases of which files show it, or why none does.
#[must_use]
pub fn make_coverage_table(rules: &[String], suites: &[Suite], without: &[Exception]) -> String {
    let mut text = "# Rules and their vectors\n\nGenerated; a test compares it with `vectors/` and with protocol.md. \
                    To write it anew: `PINTLE_WRITE_COVERAGE=1 cargo test -p pintle-core --test coverage`.\n\n\
                    | rule | cases | files, or why there are none |\n| --- | ---: | --- |\n"
        .to_owned();
    for rule in rules {
        let mut counts = BTreeMap::<&str, usize>::new();
        for suite in suites {
            let count = suite.cases.iter().filter(|case| case.rules.contains(rule)).count();
            if count > 0 {
                counts.insert(&suite.name, count);
            }
        }
        let total: usize = counts.values().sum();
        let files: Vec<_> = counts.iter().map(|(name, count)| format!("`{name}` {count}")).collect();
        let reasons =
            without.iter().filter(|exception| exception.of == *rule).map(|exception| exception.reason.clone());
        let cell: Vec<_> = files.into_iter().chain(reasons).collect();
        writeln!(text, "| {rule} | {total} | {} |", cell.join(", ")).expect("a String takes text");
    }
    let total: usize = suites.iter().map(|suite| suite.cases.len()).sum();
    writeln!(text, "\n{total} cases in {} files.", suites.len()).expect("a String takes text");
    text
}
