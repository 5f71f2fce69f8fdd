//! `pintle doctor`: what it says while everything is well, and while it is not.

use serde_json::Value;

use crate::workshop::{Run, Server, Workshop};

/// A project with one release, which is live.
fn prepare() -> (Workshop, Server) {
    let workshop = Workshop::open();
    let server = workshop.serve();
    for arguments in [
        &["login", "--server", &server.url, "--token-file", "token"][..],
        &["orgs", "create", "Acme"],
        &["projects", "create", "shop"],
        &["keys", "generate"],
        &["keys", "register"],
        &["domains", "add", "api.example.com"],
        &["pins", "add", "api.example.com", "--pin", "spki-sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="],
        &["pins", "add", "api.example.com", "--pin", "spki-sha256:BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="],
        &["release", "--yes"],
    ] {
        workshop.json(arguments);
    }
    (workshop, server)
}

fn examine(workshop: &Workshop, more: &[&str]) -> (Run, Vec<(String, String)>) {
    let run = workshop.run(&[&["doctor", "--output", "json"], more].concat());
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["healthy"], run.status == 0);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let findings = report["findings"].as_array().unwrap().iter();
    let findings = findings.map(|finding| (text(&finding["check"]), text(&finding["verdict"]))).collect();
    (run, findings)
}

fn has(findings: &[(String, String)], check: &str, verdict: &str) -> bool {
    findings.iter().any(|(found, how)| found == check && how == verdict)
}

#[test]
fn all_is_well_after_a_release() {
    let (workshop, _server) = prepare();
    let (run, findings) = examine(&workshop, &[]);
    assert_eq!(run.status, 0, "{run:?}");
    for check in ["settings", "server", "clock", "sign-in", "project", "signing key", "release", "CDN", "draft"] {
        assert!(has(&findings, check, "ok"), "{check} in {run:?}");
    }
    assert!(findings.iter().all(|(_, verdict)| verdict == "ok"), "{run:?}");
    workshop.json(&["domains", "add", "b.example.com"]);
    let run = workshop.run(&["doctor"]);
    assert_eq!(run.status, 0, "{run:?}");
    assert!(run.stdout.contains("ok    draft        1 change is staged"), "{}", run.stdout);
    assert!(run.stdout.contains("warn  draft        b.example.com "), "{}", run.stdout);
}

#[test]
fn what_is_wrong_with_a_key_is_told() {
    let (workshop, _server) = prepare();
    workshop.json(&["keys", "generate", "--out", "other.pem"]);
    let (run, findings) = examine(&workshop, &["--key", "other.pem"]);
    assert_eq!(run.status, 1, "{run:?}");
    assert!(has(&findings, "signing key", "fail") && run.stdout.contains("\"key_wrong\""), "{run:?}");
    let (run, findings) = examine(&workshop, &["--key", "absent.pem"]);
    assert_eq!((run.status, has(&findings, "signing key", "warn")), (0, true));
    workshop.write("password", "right");
    workshop.json(&["keys", "generate", "--out", "locked.pem", "--encrypt", "--password-file", "password"]);
    let (_, findings) = examine(&workshop, &["--key", "locked.pem"]);
    assert!(has(&findings, "signing key", "warn"), "no question is asked");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(workshop.path("pintle-key.pem"), std::fs::Permissions::from_mode(0o644)).unwrap();
        let (_, findings) = examine(&workshop, &[]);
        assert!(has(&findings, "signing key", "warn"), "others can read it");
    }
}

#[test]
fn a_server_that_is_gone_is_the_first_thing_told() {
    let (workshop, server) = prepare();
    drop(server);
    let (run, findings) = examine(&workshop, &[]);
    assert_eq!(run.status, 1);
    assert!(has(&findings, "server", "fail") && !has(&findings, "project", "ok"), "{run:?}");
    assert!(run.stdout.contains("server_unreachable"), "{run:?}");
    let (run, findings) = examine(&Workshop::open(), &[]);
    assert_eq!((run.status, has(&findings, "server", "fail")), (1, true));
}
