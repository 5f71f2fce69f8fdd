//! Help texts as a user reads them, in a terminal of 100 columns.

use crate::workshop::Workshop;

fn help(command: &[&str]) -> String {
    let run = Workshop::open().run(&[command, &["--help"]].concat());
    assert_eq!(run.status, 0, "{run:?}");
    run.stdout
}

#[test]
fn the_overview_shows_the_road_and_every_exit_status() {
    insta::assert_snapshot!("overview", help(&[]));
}

#[test]
fn commands_explain_themselves() {
    for command in [
        "serve",
        "login",
        "release",
        "check",
        "bundle",
        "pins add",
        "pins sync",
        "hook certbot",
        "certs",
        "keys generate",
        "config fetch",
        "ct import",
        "ct fill",
    ] {
        let words: Vec<_> = command.split(' ').collect();
        insta::assert_snapshot!(command.replace(' ', "_"), help(&words));
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let workshop = Workshop::open();
    assert_eq!(workshop.run(&["man", "man1"]).status, 0);
    assert!(!workshop.path("man1/pintle-help.1").exists());
    for page in ["pintle.1", "pintle-serve.1", "pintle-pins-add.1", "pintle-config-check.1", "pintle-doctor.1"] {
        let text = std::fs::read_to_string(workshop.path("man1").join(page)).unwrap();
        assert!(text.contains(".SH SYNOPSIS"), "{page}");
    }
}

#[test]
fn completions_know_every_command() {
    let run = Workshop::open().run(&["completions", "bash"]);
    assert_eq!(run.status, 0);
    for command in ["serve", "demo", "release", "check"] {
        assert!(run.stdout.contains(command), "{command}");
    }
}
