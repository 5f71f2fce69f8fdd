//! From an empty directory to a protected app, then trouble.

use pintle_testkit::{certificate::Authority, site::Site};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::workshop::{Server, Workshop};

const HOST: &str = "api.example.com";

struct World {
    workshop: Workshop,
    server: Server,
    runtime: Runtime,
    authority: Authority,
    site: Site,
}

impl World {
    /// A server with a project, its key registered, and a site whose certificate is pinned, with a backup pin; released.
    fn with_first_release() -> Self {
        let workshop = Workshop::open();
        let server = workshop.serve();
        let runtime = Runtime::new().unwrap();
        let authority = Authority::root("Road CA");
        let today = authority.issue(&[HOST]);
        let site = runtime.block_on(Site::start(&today));
        workshop.write_pem("ca.pem", std::slice::from_ref(authority.certificate()));
        workshop.write_pem("next.pem", &authority.issue(&[HOST]).chain);

        let signed_in = workshop.json(&["login", "--server", &server.url, "--token-file", "token"]);
        assert_eq!(signed_in, workshop.json(&["whoami"]));
        workshop.json(&["orgs", "create", "Acme"]);
        workshop.json(&["projects", "create", "shop"]);
        let key = workshop.json(&["keys", "generate"]);
        let registered = workshop.json(&["keys", "register"]);
        assert_eq!(registered["key"]["kid"], key["kid"]);
        workshop.json(&["domains", "add", HOST]);
        let from_host = site.address().to_string();
        let live = workshop.json(&["pins", "add", HOST, "--from-host", &from_host, "--label", "today"]);
        assert_eq!((&live["type"], &live["match"]), (&json!("spki-sha256"), &json!("leaf")));
        workshop.json(&["pins", "add", HOST, "--from-file", "next.pem", "--label", "next"]);
        let released = workshop.json(&["release", "--yes"]);
        assert_eq!(released["state"], "live");
        workshop.json(&["bundle", "--key", "pintle-key.pem"]);
        Self { workshop, server, runtime, authority, site }
    }

    /// What an app decides about `host` at the site's address: exit status and report.
    fn check(&self, host: &str, mode: &str) -> (i32, Value) {
        let address = self.site.address().to_string();
        let run = self.workshop.run(&[
            "check",
            host,
            "--connect",
            &address,
            "--ca",
            "ca.pem",
            "--mode",
            mode,
            "--output",
            "json",
        ]);
        (run.status, serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{run:?}")))
    }
}

#[test]
fn an_app_accepts_the_true_server_and_refuses_a_forged_one_from_the_same_ca() {
    let world = World::with_first_release();
    let (status, report) = world.check(HOST, "strict");
    assert_eq!((status, &report["outcome"]), (0, &json!("pinned")), "{report}");
    assert_eq!(report["pin"]["position"], 0);
    assert_eq!(report["chain"][0]["matching_pins"], json!([report["pin"]["index"]]));

    world.site.swap(&world.authority.issue(&[HOST]));
    let (status, report) = world.check(HOST, "strict");
    assert_eq!((status, &report["code"]), (7, &json!("pin_mismatch")), "{report}");
    assert!(world.site.seen().requests.is_empty(), "nothing is ever asked of the site");
}

#[test]
fn a_host_without_entry_is_refused_in_strict_mode_and_passes_in_permissive() {
    let world = World::with_first_release();
    let other = "news.example.com";
    world.site.swap(&world.authority.issue(&[other]));
    let (status, report) = world.check(other, "strict");
    assert_eq!((status, &report["code"]), (7, &json!("domain_not_registered")), "{report}");
    let (status, report) = world.check(other, "permissive");
    assert_eq!((status, &report["outcome"]), (0, &json!("not_covered")), "{report}");
}

#[test]
fn a_certificate_without_the_timestamps_asked_for_is_refused_and_the_check_says_so() {
    let world = World::with_first_release();
    let (_, report) = world.check(HOST, "strict");
    assert_eq!(report["ct"], Value::Null, "nothing is asked for");
    let id = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    world.workshop.json(&["domains", "set", HOST, "--ct", "declared", "--ct-min", "1", "--ct-log", id]);
    world.workshop.json(&["release", "--yes"]);
    let (status, report) = world.check(HOST, "strict");
    assert_eq!((status, &report["code"]), (7, &json!("ct_not_satisfied")), "{report}");
    let expected = json!({ "policy": "declared", "satisfied": false, "list_stale": false, "scts": [] });
    assert_eq!(report["ct"], expected);
}

#[test]
fn a_fetched_file_verifies_offline_and_a_changed_one_does_not() {
    let world = World::with_first_release();
    let fetched = world.workshop.json(&["config", "fetch"]);
    assert_eq!(fetched["verified"], true);
    drop(world.server);

    let verified = world.workshop.json(&["config", "verify", "pins.jws"]);
    assert_eq!(verified["claims"], fetched["claims"]);
    assert_eq!(verified["claims"]["domains"][0]["name"], HOST);

    let jws = std::fs::read_to_string(world.workshop.path("pins.jws")).unwrap();
    let (signed, signature) = jws.rsplit_once('.').unwrap();
    let (first, rest) = signature.split_at(1);
    let other_first = if first == "A" { "B" } else { "A" };
    world.workshop.write("tampered.jws", format!("{signed}.{other_first}{rest}"));
    let run = world.workshop.run(&["config", "verify", "tampered.jws"]);
    assert_eq!(run.status, 7);
    assert!(run.stderr.starts_with("error[config_signature_invalid]: tampered.jws: "), "{run:?}");
    assert!(run.stdout.is_empty());

    let decoded = world.workshop.json(&["config", "decode", "tampered.jws"]);
    assert_eq!(decoded["verified"], false);
}

#[test]
fn the_guard_here_sees_what_the_server_may_not_and_refuses_to_sign() {
    let world = World::with_first_release();
    let (workshop, address) = (&world.workshop, world.site.address().to_string());
    // Loopback is out of bounds for the server; the site's certificate is for another host.
    workshop.json(&["domains", "add", "127.0.0.1", "--watch", &address]);
    workshop.json(&["pins", "add", "127.0.0.1", "--from-file", "next.pem"]);
    let release = ["release", "--yes", "--ca", "ca.pem"];
    let run = workshop.run(&release);
    assert_eq!(run.status, 7, "{run:?}");
    assert!(run.stderr.contains("error[guard_refused]") && run.stderr.contains("platform_rejected"), "{run:?}");
    assert!(run.stderr.contains("--override would_refuse:127.0.0.1 --reason"), "{run:?}");
    assert_eq!(workshop.json(&["releases", "list"])["items"].as_array().map(Vec::len), Some(1));

    let run = workshop.run(&["guard", "--ca", "ca.pem", "--output", "json"]);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((run.status, &report["findings"][0]["code"]), (7, &json!("would_refuse")), "{report}");
    assert_eq!(workshop.run(&["guard", "--no-probe"]).status, 0, "nobody looked");
    assert_eq!(workshop.run(&["guard", "--no-probe", "--fail-on", "warning"]).status, 7);

    let overriding = ["--override", "would_refuse:127.0.0.1", "--reason", "it moves tonight"];
    let released = workshop.json(&[&release[..], &overriding].concat());
    assert_eq!(released["override"]["reason"], "it moves tonight", "{released}");
    let shown = workshop.run(&["releases", "show", &released["version"].to_string()]);
    assert!(shown.stdout.contains("it moves tonight"), "{shown:?}");

    workshop.json(&["config", "fetch"]);
    let file = ["guard", "--file", "pins.jws", "--ca", "ca.pem", "--watch", &address];
    assert_eq!(workshop.run(&file).status, 7);
    drop(world.server);
    assert_eq!(workshop.run(&["guard", "--file", "pins.jws", "--no-probe"]).status, 0, "no server is asked");
}

#[test]
fn a_refresh_drafts_what_a_live_server_shows_and_removes_nothing_that_counts() {
    let world = World::with_first_release();
    let (workshop, address) = (&world.workshop, world.site.address().to_string());
    world.site.swap(&world.authority.issue(&["127.0.0.1"]));
    workshop.json(&["domains", "add", "127.0.0.1", "--watch", &address]);
    workshop.json(&["pins", "add", "127.0.0.1", "--from-file", "next.pem", "--label", "next"]);
    workshop.write_pem("old.pem", &world.authority.issue(&["127.0.0.1"]).chain);
    let old = ["pins", "add", "127.0.0.1", "--from-file", "old.pem", "--label", "old", "--expires-at", "2020-01-01"];
    workshop.json(&old);
    let refresh = ["pins", "refresh", "--domain", "127.0.0.1", "--remove-expired", "--ca", "ca.pem"];
    let actions = |report: &Value| {
        let steps = report["steps"].as_array().unwrap().iter();
        steps.map(|step| step["action"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let labels = || {
        let pins = workshop.json(&["pins", "list", "127.0.0.1"]);
        let items = pins["items"][0]["pins"].as_array().unwrap().iter();
        let mut labels: Vec<_> = items.map(|pin| pin["label"].as_str().unwrap_or_default().to_owned()).collect();
        labels.sort_unstable();
        labels
    };

    let rehearsed = workshop.json(&[&refresh[..], &["--dry-run"]].concat());
    assert_eq!((actions(&rehearsed), &rehearsed["applied"]), (vec!["add".into(), "remove".into()], &json!(false)));
    assert_eq!(labels(), ["next", "old"], "nothing was changed");
    assert_eq!(actions(&workshop.json(&refresh)), ["add", "remove"]);
    let after = labels();
    assert!(after.len() == 2 && after.contains(&"next".to_owned()) && !after.contains(&"old".to_owned()), "{after:?}");
    assert_eq!(actions(&workshop.json(&refresh)), ["keep"], "a second one finds nothing to do");
}

#[test]
fn a_second_release_shows_what_changes_and_an_unchanged_one_is_refused() {
    let world = World::with_first_release();
    let unchanged = world.workshop.run(&["release", "--yes"]);
    assert_eq!(unchanged.status, 6);
    assert!(unchanged.stderr.contains("error[draft_unchanged]"), "{unchanged:?}");

    world.workshop.json(&["pins", "remove", HOST, "next"]);
    world.workshop.json(&["domains", "set", HOST, "--enforce", "25"]);
    let run = world.workshop.run(&["release", "--yes"]);
    assert_eq!(run.status, 0, "{run:?}");
    for expected in [
        "Compared with release",
        "~ api.example.com: enforced, trust platform -> enforced on 25% of devices, trust platform",
        "- api.example.com pin spki-sha256:",
        "warning[no_backup_pin:api.example.com]",
    ] {
        assert!(run.stderr.contains(expected), "{expected:?} in {}", run.stderr);
    }
    assert!(!run.stderr.contains("\n  + "), "nothing was added: {}", run.stderr);
}

#[test]
fn a_release_nobody_confirmed_is_not_signed() {
    let world = World::with_first_release();
    world.workshop.json(&["draft", "set", "--refresh", "5m"]);
    let run = world.workshop.run(&["release"]);
    assert_eq!(run.status, 2);
    assert!(run.stderr.contains("error[answer_needed]"), "{run:?}");
    assert_eq!(world.workshop.json(&["releases", "list"])["items"].as_array().unwrap().len(), 1);
}

#[test]
fn another_projects_key_signs_nothing() {
    let world = World::with_first_release();
    world.workshop.json(&["draft", "set", "--refresh", "5m"]);
    world.workshop.json(&["keys", "generate", "--out", "other.pem"]);
    let run = world.workshop.run(&["release", "--yes", "--key", "other.pem"]);
    assert_eq!(run.status, 3);
    assert!(run.stderr.contains("error[key_wrong]: other.pem holds the key"), "{run:?}");
    let run = world.workshop.run(&["bundle", "--key", "other.pem", "--out", "other.json"]);
    assert_eq!(run.status, 3, "{run:?}");
    assert!(!world.workshop.path("other.json").exists());
}

#[test]
fn an_encrypted_key_signs_with_its_password_from_file_or_environment() {
    let world = World::with_first_release();
    let workshop = &world.workshop;
    workshop.json(&["projects", "create", "bank"]);
    workshop.write("password", "correct horse\nignored\n");
    workshop.json(&["keys", "generate", "--out", "bank.pem", "--encrypt", "--password-file", "password"]);
    assert!(std::fs::read_to_string(workshop.path("bank.pem")).unwrap().contains("ENCRYPTED PRIVATE KEY"));
    let key = ["--project", "bank", "--key", "bank.pem"];
    workshop.json(&[&["keys", "register", "--password-file", "password"], &key[..]].concat());
    workshop.json(&["domains", "add", HOST, "--project", "bank"]);
    workshop.json(&["pins", "add", HOST, "--from-file", "next.pem", "--project", "bank"]);
    let release = [&["release", "--yes"], &key[..]].concat();
    let run = workshop.run(&release);
    assert!(run.stderr.contains("error[key_password_needed]"), "{run:?}");
    let run = workshop.run_with(&release, &[("PINTLE_KEY_PASSWORD", "correct horse")]);
    assert_eq!(run.status, 0, "{run:?}");
}

#[cfg(unix)]
#[test]
fn secrets_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::with_first_release();
    for name in ["pintle-key.pem", "config/credentials.toml"] {
        let mode = std::fs::metadata(world.workshop.path(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let quiet = world.workshop.run(&["keys", "show"]);
    assert!(quiet.stderr.is_empty(), "{quiet:?}");
    let open = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(world.workshop.path("pintle-key.pem"), open).unwrap();
    let warned = world.workshop.run(&["keys", "show"]);
    assert!(warned.stderr.starts_with("warning[key_file_open]"), "{warned:?}");
}

#[cfg(unix)]
#[test]
fn a_stopped_server_ends_well_and_goes_on_where_it_was() {
    let world = World::with_first_release();
    let World { workshop, server, runtime, site, .. } = world;
    assert!(server.terminate().success());
    let address = site.address().to_string();
    let check = ["check", HOST, "--connect", &address, "--ca", "ca.pem"];
    let run = workshop.run(&check);
    assert_eq!(run.status, 8, "{run:?}");
    assert!(run.stderr.starts_with("error[fetch_failed]"), "{run:?}");

    let server = workshop.serve();
    workshop.json(&["login", "--server", &server.url, "--token-file", "token"]);
    assert_eq!(workshop.json(&["releases", "list"])["items"][0]["state"], "live");
    drop(runtime);
}
