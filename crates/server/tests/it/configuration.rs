use std::{fmt::Write as _, fs, path::Path};

use pintle_server::ServerConfig;

const BEGIN: &str = "<!-- options: written by the test that compares this table with the code -->\n";
const END: &str = "<!-- end of options -->\n";

/// `UPDATE_DOCS=1` rewrites the table instead of failing.
#[test]
fn the_documented_options_are_those_the_server_reads() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operations/configuration.md");
    let kept = fs::read_to_string(&path).unwrap();
    let (before, rest) = kept.split_once(BEGIN).expect("the table has a beginning");
    let (table, after) = rest.split_once(END).expect("the table has an end");
    let made = table_of_options();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, format!("{before}{BEGIN}{made}{END}{after}")).unwrap();
    } else {
        assert!(table == made, "docs/operations/configuration.md is out of date: run this test with UPDATE_DOCS=1");
    }
}

fn table_of_options() -> String {
    let mut table = "\n| option | variable | default | meaning |\n|---|---|---|---|\n".to_owned();
    for option in ServerConfig::document() {
        let (key, variable, meaning) = (&option.key, &option.variable, option.meaning);
        writeln!(table, "| `{key}` | `{variable}` | {} | {meaning} |", option.default).unwrap();
    }
    table.push('\n');
    table
}
