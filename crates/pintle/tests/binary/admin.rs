//! Backing up, restoring and checking the database of a server, as its operator does.

use std::{path::Path, process::Command};

use pintle_testkit::{certificate::Authority, postgres};
use serde_json::json;

use crate::workshop::Workshop;

const HOST: &str = "api.example.com";

/// A project with one release, on the server at `url`.
pub(crate) fn release_first(workshop: &Workshop, url: &str) {
    workshop.json(&["login", "--server", url, "--token-file", "token"]);
    workshop.json(&["orgs", "create", "Acme"]);
    workshop.json(&["projects", "create", "shop"]);
    workshop.json(&["keys", "generate"]);
    workshop.json(&["keys", "register"]);
    workshop.json(&["domains", "add", HOST]);
    workshop.write_pem("site.pem", &Authority::root("Admin CA").issue(&[HOST]).chain);
    workshop.json(&["pins", "add", HOST, "--from-file", "site.pem"]);
    assert_eq!(workshop.json(&["release", "--yes"])["version"], 1);
}

fn release_again(workshop: &Workshop) -> u64 {
    workshop.json(&["release", "--yes", "--renew"])["version"].as_u64().unwrap()
}

#[test]
fn a_backup_made_under_a_running_server_brings_everything_back() {
    let workshop = Workshop::open();
    let server = workshop.serve();
    release_first(&workshop, &server.url);
    let backup = workshop.json(&["admin", "backup", "monday.db", "--data-dir", "data"]);
    assert_eq!(backup["file"], "monday.db");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = workshop.path("monday.db").metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "for the operator alone");
    }
    let checked = workshop.json(&["admin", "check", "--data-dir", "data"]);
    assert_eq!((&checked["projects"], &checked["releases"]), (&json!(1), &json!(1)));
    assert_eq!(release_again(&workshop), 2);

    let again = workshop.run(&["admin", "backup", "monday.db", "--data-dir", "data"]);
    assert_eq!((again.status, again.stderr.contains("error[file_exists]")), (6, true), "{again:?}");
    let under_it = workshop.run(&["admin", "restore", "monday.db", "--data-dir", "data"]);
    assert_eq!((under_it.status, under_it.stderr.contains("error[data_dir_locked]")), (6, true), "{under_it:?}");
    assert!(server.terminate().success());

    let restored = workshop.json(&["admin", "restore", "monday.db", "--data-dir", "data"]);
    assert_eq!(restored["skipping_projects"], 1);
    let kept = restored["kept"].as_str().unwrap();
    assert!(workshop.path(kept).exists() && !workshop.path("data/pintle.db-wal").exists());
    let server = workshop.serve();
    workshop.json(&["login", "--server", &server.url, "--token-file", "token"]);
    assert_eq!(workshop.json(&["releases", "list"])["items"].as_array().unwrap().len(), 1);
    assert!(release_again(&workshop) > 1000, "no number that apps may have seen is given again");
    assert!(server.terminate().success());

    // What was set aside is a whole database, with what happened after the backup.
    std::fs::create_dir(workshop.path("aside")).unwrap();
    std::fs::rename(workshop.path(kept), workshop.path("aside/pintle.db")).unwrap();
    assert_eq!(workshop.json(&["admin", "check", "--data-dir", "aside"])["releases"], 2);
}

#[test]
fn what_is_no_backup_replaces_nothing() {
    let workshop = Workshop::open();
    let server = workshop.serve();
    workshop.json(&["login", "--server", &server.url, "--token-file", "token"]);
    assert!(server.terminate().success());
    workshop.write("junk.db", "this is no database. ".repeat(500));
    let before = workshop.files();
    for (file, code) in [("junk.db", "database_corrupt"), ("missing.db", "database_unavailable")] {
        let run = workshop.run(&["admin", "restore", file, "--data-dir", "data"]);
        assert_eq!((run.status, run.stderr.contains(&format!("error[{code}]"))), (3, true), "{run:?}");
        assert!(workshop.files() == before, "{file} changed something");
    }
}

#[test]
fn a_directory_without_a_database_is_told_and_gets_none() {
    let workshop = Workshop::open();
    std::fs::create_dir(workshop.path("data")).unwrap();
    for command in [&["link", "a@example.com"][..], &["check"], &["backup", "monday.db"], &["audit"]] {
        let run = workshop.run(&[&["admin"], command, &["--data-dir", "data"]].concat());
        assert_eq!((run.status, run.stderr.contains("error[database_missing]")), (5, true), "{command:?}: {run:?}");
        assert!(workshop.files().is_empty(), "{command:?}");
    }
}

#[test]
fn a_server_on_postgres_is_checked_and_left_to_its_own_backups() {
    let workshop = Workshop::open();
    let url = postgres::make_database();
    let server = workshop.serve_with(&["--log", "error", "--database", &url]);
    release_first(&workshop, &server.url);
    let admin = |arguments: &[&str]| workshop.run_with(arguments, &[("PINTLE_DATABASE", &url)]);
    let checked = admin(&["admin", "check"]);
    assert_eq!((checked.status, checked.stdout.contains("1 releases")), (0, true), "{checked:?}");
    let refused = admin(&["admin", "backup", "monday.db"]);
    assert_eq!((refused.status, refused.stderr.contains("error[database_is_postgres]")), (2, true), "{refused:?}");
    assert!(!workshop.path("pintle-data").exists(), "no directory is made for nothing");
    let kept = std::fs::read_dir(workshop.path("data")).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(kept.collect::<Vec<_>>(), ["secret.key"], "what protects second factors is not in the database");
}

/// The commands of a section of `docs/operations/backup.md`.
fn documented(section: &str) -> String {
    let page = include_str!("../../../../docs/operations/backup.md");
    let section = page.split("\n## ").find(|text| text.starts_with(section)).unwrap();
    section.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap()).collect()
}

#[test]
fn the_documented_way_brings_a_postgres_back() {
    let workshop = Workshop::open();
    let cluster = postgres::Cluster::start(&["listen_addresses="]);
    let url = cluster.make_database();
    let server = workshop.serve_with(&["--log", "error", "--database", &url]);
    release_first(&workshop, &server.url);
    assert!(server.terminate().success());

    let restored = cluster.url("pintle_restored");
    let (programs, binary) = (cluster.programs(), Path::new(env!("CARGO_BIN_EXE_pintle")).parent().unwrap());
    let path = format!("{}:{}:{}", programs.display(), binary.display(), std::env::var("PATH").unwrap());
    let commands = documented("PostgreSQL");
    assert!(commands.contains("pg_dump") && commands.contains("pg_restore"), "{commands}");
    let mut shell = Command::new("sh");
    shell.args(["-e", "-u", "-c", &commands]).current_dir(workshop.path("."));
    shell.envs([("PINTLE_DATABASE", &url), ("RESTORED", &restored), ("PATH", &path)]);
    let run = shell.output().unwrap();
    let told = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{commands}: {run:?}");
    assert!(
        told.contains("1 projects skip") && told.contains("1 projects, 1 releases, all as they should be"),
        "{told}"
    );

    let server = workshop.serve_with(&["--log", "error", "--database", &restored]);
    workshop.json(&["login", "--server", &server.url, "--token-file", "token"]);
    assert!(release_again(&workshop) > 1000);
}

#[test]
fn the_log_of_the_installation_is_read_and_proved_by_its_operator() {
    let workshop = Workshop::open();
    let server = workshop.serve();
    workshop.json(&["admin", "link", "ada@example.com", "--data-dir", "data"]);
    let exported = workshop.run(&["admin", "audit", "--data-dir", "data"]);
    assert_eq!(exported.status, 0, "{exported:?}");
    assert!(exported.stdout.contains("account.code_made"), "{exported:?}");
    workshop.write("installation.jsonl", exported.stdout.as_bytes());
    let verified = workshop.json(&["audit", "verify", "installation.jsonl"]);
    assert_eq!(verified["events"].as_u64(), Some(exported.stdout.lines().count() as u64 - 1));

    // Somebody with the database hides what the operator did.
    let hidden = exported.stdout.replace("account.code_made", "account.created__");
    workshop.write("hidden.jsonl", hidden.as_bytes());
    let refused = workshop.run(&["audit", "verify", "hidden.jsonl"]);
    assert_eq!((refused.status, refused.stderr.contains("error[audit_chain_broken]")), (7, true), "{refused:?}");
    assert!(server.terminate().success());
}
