//! `docs/errors.md` lists every code the server answers with, and no other. The codes are read out of the tables that make
//! them, so that none can be added in silence.

use std::{collections::BTreeMap, collections::BTreeSet, fs, path::Path};

use serde_json::Value;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The text literal that `source` goes on with, if it does.
fn literal(source: &str) -> Option<&str> {
    source.trim_start().strip_prefix('"')?.split('"').next()
}

/// The codes in the tables: `facts("code", …)` and `code: "code"` of the service, `StatusCode::X, "code"` of the server.
fn made_codes() -> BTreeSet<String> {
    let mut sources = vec![read("../service/src/error.rs"), read("src/api/failure.rs")];
    for file in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../service/src/error")).unwrap() {
        sources.push(fs::read_to_string(file.unwrap().path()).unwrap());
    }
    let mut codes = BTreeSet::new();
    for source in &sources {
        let of_service = source.split("facts(").chain(source.split("code: ")).skip(1).filter_map(literal);
        let of_server = source.split("StatusCode::").skip(1).filter_map(|rest| literal(rest.split_once(',')?.1));
        codes.extend(of_service.chain(of_server).map(str::to_owned));
    }
    codes
}

/// Code and statuses of each line of the document.
fn listed_codes() -> BTreeMap<String, Vec<String>> {
    let document = read("../../docs/errors.md");
    let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let lines = document.lines().filter(|line| line.starts_with("| `")).map(cells);
    lines
        .map(|cells| {
            assert!(cells.iter().skip(1).take(4).all(|cell| !cell.is_empty()), "{cells:?} says too little");
            let statuses = cells.get(2).unwrap().split(", ").map(str::to_owned).collect();
            (cells.get(1).unwrap().trim_matches('`').to_owned(), statuses)
        })
        .collect()
}

#[test]
fn every_code_is_listed_with_its_meaning_and_a_remedy() {
    let (made, listed) = (made_codes(), listed_codes());
    assert!(made.len() > 50, "the tables are not where this test looks: {made:?}");
    let missing: Vec<_> = made.iter().filter(|code| !listed.contains_key(*code)).collect();
    let unknown: Vec<_> = listed.keys().filter(|code| !made.contains(*code)).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "docs/errors.md lacks {missing:?} and has too many {unknown:?}");
}

#[test]
fn routes_document_the_codes_that_there_are_with_their_status() {
    let listed = listed_codes();
    let document: Value = serde_json::from_str(&pintle_server::openapi_json()).unwrap();
    for (name, response) in document.pointer("/components/responses").unwrap().as_object().unwrap() {
        let status = name.split('.').next().unwrap();
        let codes = response.pointer("/content/application~1problem+json/schema/allOf/1/properties/code/enum");
        for code in codes.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
            let statuses = listed.get(code).unwrap_or_else(|| panic!("there is no code `{code}`"));
            assert!(statuses.iter().any(|known| known == status), "`{code}` does not come with {status}");
        }
    }
}
