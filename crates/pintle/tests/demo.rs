//! The first thing a newcomer sees.
#![cfg(test)]

use std::process::Command;

#[test]
fn the_demo_keeps_every_promise_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_pintle")).arg("demo").env("TMPDIR", folder.path()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    let kept = text.lines().filter(|line| line.starts_with("  ok  ")).count();
    assert!(text.contains(&format!("\n{kept} of {kept} as promised")), "{text}");
    for code in [
        "pin_mismatch",
        "domain_not_registered",
        "config_signature_invalid",
        "config_key_unknown",
        "config_rollback",
        "would_refuse",
    ] {
        assert!(text.contains(code), "{code} is missing in\n{text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert_eq!(folder.path().read_dir().unwrap().count(), 0);
}
