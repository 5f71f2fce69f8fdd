//! Certificate Transparency from a browser's log list to a signed configuration.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use crate::workshop::{Server, Workshop};

const HOST: &str = "www.example.com";

/// The material, or nothing after having said so.
fn folder(test: &str) -> Option<PathBuf> {
    let usual = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/realworld");
    let folder = std::env::var_os("PINTLE_REALWORLD").map_or_else(usual, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    let mut stderr = std::io::stderr();
    let why = "no real chains and log lists; $PINTLE_REALWORLD tells where they lie";
    writeln!(stderr, "SKIPPED: {test}: {why}").unwrap();
    None
}

/// A server with a project, its key and one domain, and the real material beside it.
fn prepare(folder: &Path) -> (Workshop, Server) {
    let workshop = Workshop::open();
    for (name, file) in [
        ("chrome.json", "log_list_2026-01_chrome.json"),
        ("apple.json", "log_list_2026-08_apple.json"),
        ("chain.pem", "chains/cloudflare.com.pem"),
    ] {
        workshop.write(name, std::fs::read(folder.join(file)).unwrap());
    }
    let server = workshop.serve();
    workshop.json(&["login", "--server", &server.url, "--token-file", "token"]);
    workshop.json(&["orgs", "create", "Acme"]);
    workshop.json(&["projects", "create", "shop"]);
    workshop.json(&["keys", "generate"]);
    workshop.json(&["keys", "register"]);
    workshop.json(&["domains", "add", HOST]);
    (workshop, server)
}

fn codes(findings: &Value) -> Vec<&str> {
    findings.as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap()).collect()
}

#[test]
fn imported_logs_reach_the_signed_configuration() {
    let Some(folder) = folder("imported_logs_reach_the_signed_configuration") else { return };
    let (workshop, _server) = prepare(&folder);
    let early = workshop.run(&["domains", "set", HOST, "--ct", "verified"]);
    assert_eq!(early.status, 3, "there is no log yet: {early:?}");
    assert!(early.stderr.contains("error[ct_logs_missing]"), "{early:?}");

    let dry = workshop.json(&["ct", "import", "chrome.json", "--dry-run"]);
    assert_eq!((dry["imported"].clone(), workshop.json(&["ct", "show"])), (json!(false), json!({ "logs": [] })));
    let imported = workshop.json(&["ct", "import", "chrome.json"]);
    let number = imported["accepted"].as_array().unwrap().len();
    assert_eq!(imported["left_out"].as_array().unwrap().len(), 4);
    assert_eq!(imported["left_out"][0]["code"], "retired");
    assert_eq!(workshop.json(&["ct", "show"])["logs"].as_array().unwrap().len(), number);
    let domain = workshop.json(&["domains", "set", HOST, "--ct", "verified", "--ct-min", "3"]);
    assert_eq!(domain["ct"], json!({ "policy": "verified", "min": 3 }));
    let kept = workshop.json(&["domains", "set", HOST, "--enforce", "report"]);
    assert_eq!(kept["ct"], domain["ct"], "other settings leave it alone");

    let draft = workshop.json(&["draft", "show"]);
    assert_eq!(draft["settings"]["ct_logs_as_of"], imported["as_of"]);
    assert!(codes(&draft["findings"]).contains(&"ct_list_old"), "{draft}");
    workshop.json(&["release", "--yes"]);
    workshop.json(&["bundle"]);
    workshop.json(&["config", "fetch"]);
    let claims = workshop.json(&["config", "decode", "pins.jws"])["claims"].clone();
    assert_eq!(claims["ct_logs"].as_array().unwrap().len(), number);
    assert_eq!(claims["ct_logs_as_of"], imported["as_of"]);
    assert_eq!(claims["domains"][0]["ct"], json!({ "policy": "verified", "min": 3 }));
}

#[test]
fn a_list_without_date_needs_one_and_a_dated_one_takes_none() {
    let Some(folder) = folder("a_list_without_date_needs_one_and_a_dated_one_takes_none") else { return };
    let (workshop, _server) = prepare(&folder);
    for (arguments, status, code) in [
        (&["ct", "import", "apple.json"][..], 2, "as_of_needed"),
        (&["ct", "import", "chrome.json", "--as-of", "2026-02-01"], 2, "as_of_known"),
        (&["ct", "import", "apple.json", "--as-of", "soon"], 3, "time_invalid"),
        (&["ct", "import", "chain.pem"], 3, "log_list_invalid"),
        (&["ct", "import", "apple.json", "--as-of", "2999-01-01"], 3, "value_invalid"),
    ] {
        let run = workshop.run(arguments);
        assert_eq!(run.status, status, "{run:?}");
        assert!(run.stderr.contains(&format!("error[{code}]")), "{run:?}");
    }
    let imported = workshop.json(&["ct", "import", "apple.json", "--as-of", "2026-08-15"]);
    assert_eq!((&imported["imported"], &imported["as_of"]), (&json!(true), &json!(1_786_752_000)));
}

#[test]
fn the_logs_of_a_real_certificate_are_named_and_declared() {
    let Some(folder) = folder("the_logs_of_a_real_certificate_are_named_and_declared") else { return };
    let (workshop, _server) = prepare(&folder);
    let fill = ["ct", "fill", HOST, "--from-file", "chain.pem"];
    let unknown = workshop.run(&fill);
    assert_eq!(unknown.status, 5, "no list knows them yet: {unknown:?}");
    assert!(unknown.stderr.contains("pintle ct import"), "{unknown:?}");

    workshop.json(&["ct", "import", "chrome.json"]);
    let proposed = workshop.json(&[&fill[..], &["--dry-run"]].concat());
    assert_eq!(proposed["declared"], false);
    assert!(proposed["scts"].as_array().unwrap().iter().all(|sct| sct["log"]["operator"].is_string()), "{proposed}");
    assert_eq!(workshop.json(&["domains", "list"])["items"][0]["ct"]["policy"], "off");
    let filled = workshop.json(&fill);
    let draft = workshop.json(&["draft", "show"]);
    assert_eq!(draft["domains"][0]["ct"], filled["ct"]);
    assert_eq!((&filled["ct"]["policy"], &filled["ct"]["min"]), (&json!("declared"), &json!(2)));
    assert!(codes(&draft["findings"]).contains(&"ct_declared_only"), "{draft}");
}
