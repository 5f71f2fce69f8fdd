//! Taking everything along, and leaving.

use std::fs;

use crate::{admin::release_first, workshop::Workshop};

#[test]
fn an_export_holds_everything_and_the_audit_log_word_for_word() {
    let workshop = Workshop::open();
    let server = workshop.serve();
    release_first(&workshop, &server.url);
    let exported = workshop.json(&["orgs", "export", "everything.jsonl"]);
    let everything = fs::read_to_string(workshop.path("everything.jsonl")).unwrap();
    assert_eq!(exported["lines"], everything.lines().count());
    let kinds: Vec<&str> = everything.lines().map(|line| line.split('"').nth(3).unwrap()).collect();
    for kind in ["organization", "member", "project", "draft", "ct_logs", "release", "audit_event"] {
        assert!(kinds.contains(&kind), "{kind} in {kinds:?}");
    }
    assert_eq!(kinds.last(), Some(&"end"));

    // What the hashes cover is there as it was written: the same lines as in an export that verifies.
    assert_eq!(workshop.run(&["audit", "export", "--to", "audit.jsonl"]).status, 0);
    assert_eq!(workshop.run(&["audit", "verify", "audit.jsonl"]).status, 0);
    let log = fs::read_to_string(workshop.path("audit.jsonl")).unwrap();
    let events: Vec<String> =
        log.lines().skip(1).map(|event| format!("{{\"kind\":\"audit_event\",\"value\":{event}}}")).collect();
    let taken: Vec<&str> = everything.lines().filter(|line| line.starts_with("{\"kind\":\"audit_event\"")).collect();
    assert!(!taken.is_empty());
    assert_eq!(taken, events);

    let again = workshop.run(&["orgs", "export", "everything.jsonl"]);
    assert_eq!((again.status, again.stderr.contains("error[file_exists]")), (6, true), "{again:?}");
    workshop.json(&["orgs", "delete", "Acme", "--yes"]);
    assert_eq!(workshop.json(&["orgs", "list"])["items"], serde_json::json!([]));
    assert!(server.terminate().success());
}
