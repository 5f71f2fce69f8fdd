//! The protocol's text, its vectors and the table between them agree.

use std::{collections::BTreeSet, fs, io::Write as _, path::PathBuf};

use pintle_testkit::vectors::{load, load_rules_without_cases, make_coverage_table, parse_rules};

fn spec(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/spec").join(file)
}

fn rules() -> Vec<String> {
    parse_rules(&read_spec("protocol.md"), 'P')
}

#[expect(clippy::disallowed_methods, reason = "the text and the table are files of the project")]
fn read_spec(file: &str) -> String {
    fs::read_to_string(spec(file)).unwrap_or_default()
}

#[test]
fn every_rule_has_a_case_or_a_reason_on_file() {
    let rules = rules();
    assert!(rules.len() > 40, "the rules of protocol.md were not found");
    let covered: BTreeSet<String> =
        load().into_iter().flat_map(|suite| suite.cases).flat_map(|case| case.rules).collect();
    let without = load_rules_without_cases();
    let mut stderr = std::io::stderr();
    for exception in &without {
        assert!(rules.contains(&exception.of), "{} is no rule", exception.of);
        assert!(!covered.contains(&exception.of), "{} has cases by now: take it off the list", exception.of);
        writeln!(stderr, "SKIPPED: vectors of {}: {}", exception.of, exception.reason).unwrap();
    }
    let excused: BTreeSet<&String> = without.iter().map(|exception| &exception.of).collect();
    let missing: Vec<_> = rules.iter().filter(|rule| !covered.contains(*rule) && !excused.contains(rule)).collect();
    assert!(missing.is_empty(), "rules without a case: {missing:?}");
}

#[test]
fn cases_name_rules_that_exist_and_names_are_unique() {
    let rules: BTreeSet<String> = rules().into_iter().chain(parse_rules(&read_spec("reports.md"), 'R')).collect();
    for suite in load() {
        let mut names = BTreeSet::new();
        for case in &suite.cases {
            assert!(names.insert(&case.name), "{}: {:?} stands twice", suite.name, case.name);
            assert!(!case.rules.is_empty(), "{}/{} shows no rule", suite.name, case.name);
            for rule in &case.rules {
                assert!(rules.contains(rule), "{}/{} names {rule}, which is no rule", suite.name, case.name);
            }
        }
    }
}

#[test]
fn the_coverage_table_is_current() {
    let table = make_coverage_table(&rules(), &load(), &load_rules_without_cases());
    #[expect(clippy::disallowed_methods, reason = "asked for when this test was built")]
    if option_env!("PINTLE_WRITE_COVERAGE").is_some() {
        fs::write(spec("coverage.md"), &table).unwrap();
    }
    let current = read_spec("coverage.md") == table;
    assert!(current, "docs/spec/coverage.md is out of date; its first lines say how to write it anew");
}
