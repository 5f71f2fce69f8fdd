//! libcurl and OpenSSL, linked against this library, in the gauntlet.

use std::{fs, path::PathBuf, process::Command};

use pintle_testkit::{
    cdn::{Cdn, Reply},
    gauntlet::{Case, Change, Gauntlet, Step, Walk, cases, conformance_page, hold_conformance},
};

use crate::workbench::{Driver, compile_with};

/// As the driver calls them.
const CLIENTS: [&str; 2] = ["libcurl", "OpenSSL"];

/// Walks through `case` with `client`: what came of it, and everything that went otherwise, in words.
async fn walk(case: &Case, client: &str) -> (Walk, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let gauntlet = Gauntlet::start(case.name, folder.path()).await;
    let [bundle, authorities, storage]: [PathBuf; 3] =
        ["pintle.json", "ca.pem", "storage"].map(|name| folder.path().join(name));
    let mut driver = Driver::start(&bundle, &authorities, &storage);
    let (mut ends, mut differences) = (Vec::new(), Vec::new());
    let mut compare = |what: &dyn std::fmt::Debug, seen: &str, expected: &str| {
        if seen != expected {
            differences.push(format!("{} with {client}: {what:?}: {seen}", case.name));
        }
    };
    compare(&"set-up", &driver.started, "ok");
    for step in &case.steps {
        match step {
            Step::World { change } => gauntlet.change(*change),
            Step::Permissive => compare(step, &driver.ask("permissive"), "ok"),
            Step::Refresh { expect } => compare(step, driver.ask("refresh").trim_start_matches("refused "), expect),
            Step::Get { host, expect } => {
                let before = gauntlet.site().seen().requests.len();
                let port = gauntlet.site().address().port();
                let answer = driver.ask(&format!("get {client} {host} {port}"));
                let end = answer.trim_start_matches("refused ").trim_end_matches(" 200");
                compare(step, end, expect);
                ends.push(end.to_owned());
                let arrived = gauntlet.site().seen().requests.len() - before;
                compare(
                    step,
                    &format!("{arrived} requests"),
                    if *expect == "ok" { "1 requests" } else { "0 requests" },
                );
            }
        }
    }
    compare(&"sessions", &format!("{} resumed", gauntlet.site().seen().resumed), "0 resumed");
    (Walk { case: case.name.to_owned(), client: client.to_owned(), ends }, differences)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_case_ends_as_the_table_says_with_every_client() {
    let (mut walks, mut differences) = (Vec::new(), Vec::new());
    for case in cases() {
        for client in CLIENTS {
            let (walk, different) = walk(&case, client).await;
            walks.push(walk);
            differences.extend(different);
        }
    }
    assert!(differences.is_empty(), "\n{}\n", differences.join("\n"));
    hold_conformance(&conformance_page(), "C", &walks).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_still_pinned_is_kept_across_a_release() {
    let folder = tempfile::tempdir().unwrap();
    let gauntlet = Gauntlet::start("kept_connection_after_release", folder.path()).await;
    let path = |name: &str| folder.path().join(name);
    let mut driver = Driver::start(&path("pintle.json"), &path("ca.pem"), &path("storage"));
    let port = gauntlet.site().address().port();
    for client in CLIENTS {
        let before = gauntlet.site().seen().connections;
        assert_eq!(driver.ask(&format!("get {client} localhost {port}")), "ok 200");
        gauntlet.change(Change::Release);
        assert_eq!(driver.ask("refresh"), "ok");
        assert_eq!(driver.ask(&format!("get {client} localhost {port}")), "ok 200");
        assert_eq!(gauntlet.site().seen().connections - before, 1, "{client}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_connection_is_refused_once_its_pin_has_expired() {
    let folder = tempfile::tempdir().unwrap();
    let gauntlet = Gauntlet::start("pinned_leaf", folder.path()).await;
    let path = |name: &str| folder.path().join(name);
    let mut driver = Driver::start(&path("pintle.json"), &path("ca.pem"), &path("storage"));
    let port = gauntlet.site().address().port();
    for client in CLIENTS {
        assert_eq!(driver.ask(&format!("get {client} localhost {port}")), "ok 200");
    }
    gauntlet.change(Change::ExpireSoon);
    assert_eq!(driver.ask("refresh"), "ok");
    for client in CLIENTS {
        let mut requests = gauntlet.site().seen().requests.len();
        let mut answer = driver.ask(&format!("get {client} localhost {port}"));
        let begun = std::time::Instant::now();
        while answer == "ok 200" && begun.elapsed().as_secs() < 30 {
            requests = gauntlet.site().seen().requests.len();
            answer = driver.ask(&format!("get {client} localhost {port}"));
        }
        assert_eq!((answer.as_str(), gauntlet.site().seen().requests.len()), ("refused all_pins_expired", requests));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_shown_without_a_request_and_another_root_is_taken_up() {
    let folder = tempfile::tempdir().unwrap();
    let gauntlet = Gauntlet::start("wrong_leaf_from_trusted_ca", folder.path()).await;
    let other = tempfile::tempdir().unwrap();
    let elsewhere = Gauntlet::start("pinned_leaf", other.path()).await;
    let path = |name: &str| folder.path().join(name);
    let mut driver = Driver::start(&path("pintle.json"), &path("ca.pem"), &path("storage"));
    let port = gauntlet.site().address().port();
    let shown = driver.ask(&format!("certificate localhost {port}"));
    assert!(shown.starts_with("ok "), "{shown}");
    assert!(gauntlet.site().seen().requests.is_empty());

    // What the other project pins is another server.
    assert_eq!(driver.ask(&format!("reconfigure {}", other.path().join("pintle.json").display())), "ok");
    for client in CLIENTS {
        assert_eq!(driver.ask(&format!("get {client} localhost {port}")), "refused pin_mismatch");
    }
    assert_eq!(elsewhere.site().seen().connections, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_posted() {
    let folder = tempfile::tempdir().unwrap();
    let _gauntlet = Gauntlet::start("pinned_leaf", folder.path()).await;
    let path = |name: &str| folder.path().join(name);
    let mut driver = Driver::start(&path("pintle.json"), &path("ca.pem"), &path("storage"));
    let collector = Cdn::start(Reply::Status(204, Vec::new())).await;
    assert_eq!(driver.ask(&format!("report {}/reports", collector.url())), "ok");
    let [sent] = &*collector.requests() else { panic!("{:?}", collector.requests()) };
    assert_eq!((sent.method.as_str(), sent.path.as_str(), &*sent.body), ("POST", "/reports", &b"{}"[..]));
    assert_eq!(sent.header("content-type"), Some("application/json"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_ends_during_a_fetch_ends_well() {
    let folder = tempfile::tempdir().unwrap();
    let gauntlet = Gauntlet::start("pinned_leaf", folder.path()).await;
    let bundle = folder.path().join("pintle.json");
    let mut root: serde_json::Value = serde_json::from_slice(&fs::read(&bundle).unwrap()).unwrap();
    // The fetch is busy with TLS then.
    root["urls"] = serde_json::json!([format!("https://localhost:{}", gauntlet.site().address().port())]);
    fs::write(&bundle, root.to_string()).unwrap();
    // As apps run it: a sanitizer has its own order of ending, and what is never freed is no leak here.
    let program = compile_with(&[], "tests/it/ending.c", "ending");
    for _ in 0..10 {
        let output = Command::new(&program).arg(&bundle).env("no_proxy", "*").output().unwrap();
        assert!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_without_a_network_begins_from_what_was_kept() {
    let folder = tempfile::tempdir().unwrap();
    let gauntlet = Gauntlet::start("pinned_leaf", folder.path()).await;
    let path = |name: &str| folder.path().join(name);
    assert_eq!(Driver::start(&path("pintle.json"), &path("ca.pem"), &path("storage")).started, "ok");
    gauntlet.change(Change::CdnDead);
    let first = Driver::start(&path("pintle.json"), &path("ca.pem"), &path("elsewhere")).started.clone();
    assert_eq!(first, "refused fetch_failed");
    let mut again = Driver::start(&path("pintle.json"), &path("ca.pem"), &path("storage"));
    assert_eq!(again.started, "ok");
    let port = gauntlet.site().address().port();
    assert_eq!(again.ask(&format!("get libcurl localhost {port}")), "ok 200");
}
