//! Renewals in other people's hands: `pins sync`, `hook certbot`, and the examples of `deploy/examples`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use pintle_testkit::certificate::Authority;
use serde_json::{Value, json};

use crate::workshop::{Server, Workshop};

const HOST: &str = "api.example.com";

/// A server with a released project that pins the key of `today.pem` for [`HOST`].
fn open() -> (Workshop, Server, Authority) {
    let workshop = Workshop::open();
    let server = workshop.serve();
    let authority = Authority::root("Renewals CA");
    workshop.write_pem("today.pem", &authority.issue(&[HOST]).chain);
    workshop.write_pem("next.pem", &authority.issue(&[HOST, "*.example.net"]).chain);
    workshop.json(&["login", "--server", &server.url, "--token-file", "token"]);
    workshop.json(&["orgs", "create", "Acme"]);
    workshop.json(&["projects", "create", "shop"]);
    workshop.json(&["keys", "generate"]);
    workshop.json(&["keys", "register"]);
    workshop.json(&["domains", "add", HOST]);
    workshop.json(&["pins", "add", HOST, "--from-file", "today.pem"]);
    workshop.json(&["release", "--yes"]);
    (workshop, server, authority)
}

fn pins(workshop: &Workshop, domain: &str) -> usize {
    workshop.json(&["pins", "list", domain])["items"][0]["pins"].as_array().unwrap().len()
}

fn releases(workshop: &Workshop) -> usize {
    workshop.json(&["releases", "list"])["items"].as_array().unwrap().len()
}

#[test]
fn sync_does_what_is_missing_once_and_then_nothing() {
    let (workshop, _server, authority) = open();
    let sync = |arguments: &[&str]| workshop.json(&[&["pins", "sync", "--from-file", "today.pem"], arguments].concat());
    let next = ["--from-file", "next.pem"];
    assert_eq!(sync(&[])["outcome"], "unchanged");
    assert_eq!(sync(&["--release"])["outcome"], "unchanged", "what apps have needs no release");

    let shown = sync(&[&next[..], &["--dry-run"]].concat());
    assert_eq!((&shown["outcome"], pins(&workshop, HOST)), (&json!("would_change"), 1));
    let drafted = sync(&next);
    assert_eq!((&drafted["outcome"], &drafted["unreleased"]), (&json!("drafted"), &json!(true)));
    let actions: Vec<_> = drafted["steps"].as_array().unwrap().iter().map(|step| &step["action"]).collect();
    assert_eq!(actions, ["add", "keep"]);
    assert_eq!(sync(&next)["outcome"], "unchanged");

    // Drafted before, and released by nobody: asked for a release, it is made.
    let released = sync(&[&next[..], &["--release"]].concat());
    assert_eq!((&released["outcome"], &released["release"]["state"]), (&json!("released"), &json!("live")));
    assert_eq!(sync(&[&next[..], &["--release"]].concat())["outcome"], "unchanged");
    assert_eq!((pins(&workshop, HOST), releases(&workshop)), (2, 2));

    let only = workshop.json(&["pins", "sync", "--from-file", "next.pem", "--remove-others", "--release"]);
    assert_eq!((&only["outcome"], pins(&workshop, HOST)), (&json!("released"), 1));

    let expiring = ["pins", "list", HOST];
    let id = workshop.json(&expiring)["items"][0]["pins"][0]["id"].as_str().unwrap().to_owned();
    workshop.json(&["pins", "set", HOST, &id, "--expires-at", "1"]);
    let renewed = workshop.json(&["pins", "sync", "--from-file", "next.pem", "--domain", HOST]);
    assert_eq!(renewed["steps"][0]["action"], "renew");
    assert_eq!(workshop.json(&expiring)["items"][0]["pins"][0]["expires_at"], Value::Null);

    workshop.write_pem("elsewhere.pem", &authority.issue(&["www.example.org"]).chain);
    let nameless = ["req", "-new", "-key", "pintle-key.pem", "-subj", "/CN=api.example.com", "-out", "nameless.csr"];
    assert!(Command::new("openssl").args(nameless).current_dir(workshop.path("")).status().unwrap().success());
    for (arguments, status) in [
        (&["--from-file", "next.pem", "--domain", "other.example"][..], 5),
        (&["--from-file", "pintle-key.pem"], 3),
        (&["--from-file", "today.pem", "--from-file", "elsewhere.pem"], 5),
        (&["--from-file", "nameless.csr"], 3),
        (&["--from-file", "none.pem"], 5),
    ] {
        let run = workshop.run(&[&["pins", "sync"], arguments].concat());
        assert_eq!(run.status, status, "{run:?}");
    }
}

#[test]
fn sync_signs_nothing_that_somebody_else_staged() {
    let (workshop, _server, authority) = open();
    workshop.write_pem("foreign.pem", &authority.issue(&[HOST]).chain);
    workshop.json(&["pins", "add", HOST, "--from-file", "foreign.pem"]);
    let run = workshop.run(&["pins", "sync", "--from-file", "today.pem", "--release"]);
    assert_eq!((run.status, releases(&workshop)), (0, 1), "apps have this pin; the rest is not ours: {run:?}");
    let run = workshop.run(&["pins", "sync", "--from-file", "next.pem", "--release"]);
    assert_eq!((run.status, releases(&workshop)), (2, 1), "{run:?}");
    assert!(run.stderr.contains("more than these pins") && run.stderr.contains("answer_needed"), "{run:?}");
    let told = workshop.run(&["pins", "sync", "--from-file", "next.pem", "--release", "--yes"]);
    assert_eq!((told.status, releases(&workshop)), (0, 2), "{told:?}");
}

#[test]
fn two_syncs_at_once_both_end_well() {
    let (workshop, _server, authority) = open();
    workshop.write_pem("third.pem", &authority.issue(&[HOST]).chain);
    let workshop = &workshop;
    let runs = std::thread::scope(|scope| {
        let sync = |file| scope.spawn(move || workshop.run(&["pins", "sync", "--from-file", file]));
        [sync("next.pem"), sync("third.pem")].map(|run| run.join().unwrap())
    });
    assert!(runs.iter().all(|run| run.status == 0), "{runs:?}");
    assert_eq!(pins(workshop, HOST), 3);
}

/// A lineage as certbot lays it out: links into the archive. Its private key is nowhere, for nobody may read it.
#[cfg(unix)]
fn write_lineage(workshop: &Workshop, certificate: &str) -> PathBuf {
    let lineage = workshop.path("letsencrypt/live/api.example.com");
    let pem = fs::read(workshop.path(certificate)).unwrap();
    workshop.write("letsencrypt/archive/api.example.com/cert2.pem", &pem);
    workshop.write("letsencrypt/archive/api.example.com/fullchain2.pem", &pem);
    fs::create_dir_all(&lineage).unwrap();
    for name in ["cert", "fullchain", "privkey"] {
        let target = format!("../../archive/api.example.com/{name}2.pem");
        std::os::unix::fs::symlink(target, lineage.join(format!("{name}.pem"))).unwrap();
    }
    lineage
}

#[cfg(unix)]
#[test]
fn certbots_hook_pins_the_new_key_keeps_the_others_and_fails_no_renewal() {
    let (workshop, server, _) = open();
    let lineage = write_lineage(&workshop, "next.pem");
    let lineage = lineage.to_str().unwrap();
    let renewed = [("RENEWED_LINEAGE", lineage), ("RENEWED_DOMAINS", "api.example.com *.example.net")];
    let hook = |arguments: &[&str]| workshop.run_with(&[&["hook", "certbot"], arguments].concat(), &renewed);

    let first = hook(&[]);
    assert_eq!((first.status, pins(&workshop, HOST), releases(&workshop)), (0, 2, 1), "{first:?}");
    assert!(first.stdout.contains("add") && first.stdout.contains("pintle release"), "{first:?}");
    assert!(hook(&[]).stdout.contains("Unchanged"), "again it changes nothing");
    let released = hook(&["--release"]);
    assert_eq!((released.status, releases(&workshop)), (0, 2), "{released:?}");
    assert_eq!((hook(&["--release"]).status, releases(&workshop)), (0, 2));

    let elsewhere = [("RENEWED_LINEAGE", lineage), ("RENEWED_DOMAINS", "www.example.org")];
    let nothing = workshop.run_with(&["hook", "certbot", "--strict"], &elsewhere);
    assert_eq!(nothing.status, 0);
    assert!(nothing.stderr.contains("nothing to pin"), "{nothing:?}");
    let by_hand = workshop.run(&["hook", "certbot"]);
    assert_eq!(by_hand.status, 2);
    assert!(by_hand.stderr.contains("hook_environment_missing"), "{by_hand:?}");

    drop(server);
    let lenient = hook(&[]);
    assert_eq!(lenient.status, 0, "{lenient:?}");
    assert!(lenient.stderr.contains("renewed all the same"), "{lenient:?}");
    assert_eq!(hook(&["--strict"]).status, 8);
}

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/examples");

fn example(name: &str) -> PathBuf {
    Path::new(EXAMPLES).join(name)
}

/// A YAML or JSON file as JSON, read by PyYAML.
fn load_yaml(name: &str) -> Value {
    const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/tools/venv/bin/python");
    // GitHub's `on` is a boolean to YAML 1.1, and no key of JSON.
    let script =
        "import json, sys, yaml; print(json.dumps({str(k): v for k, v in yaml.safe_load(open(sys.argv[1])).items()}))";
    let output = Command::new(PYTHON).args(["-c", script]).arg(example(name)).output().unwrap();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The environment of an example: the installation's names, a token for the project alone that ends, and the key.
fn environment<'a>(server: &'a Server, token: &'a str, scopes: Scopes) -> Vec<(&'a str, &'a str)> {
    let mut environment = vec![
        ("PINTLE_SERVER", server.url.as_str()),
        ("PINTLE_ORGANIZATION", "Acme"),
        ("PINTLE_PROJECT", "shop"),
        ("PINTLE_TOKEN", token),
        ("PINTLE_CONFIG_DIR", "/nonexistent"),
    ];
    if scopes == Scopes::Release {
        environment.push(("PINTLE_KEY", "pintle-key.pem"));
    }
    environment
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scopes {
    Read,
    Release,
}

fn make_token(workshop: &Workshop, scopes: Scopes) -> String {
    let scopes: &[&str] = match scopes {
        Scopes::Read => &["--scope", "read"],
        Scopes::Release => &["--scope", "read", "--scope", "edit", "--scope", "release"],
    };
    let limits = ["--limit-to", "project", "--expires", "90d", "--project", "shop"];
    workshop.json(&[&["tokens", "create", "ci"], scopes, &limits].concat())["secret"].as_str().unwrap().to_owned()
}

#[cfg(unix)]
#[test]
fn the_examples_for_ci_show_then_release_and_take_their_secrets_from_the_store() {
    let (workshop, server, _) = open();
    workshop.write("certificates/api.pem", fs::read(workshop.path("today.pem")).unwrap());
    let request = "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout next.key -subj /CN=next \
                   -addext subjectAltName=DNS:api.example.com -out certificates/next.csr";
    let made =
        Command::new("openssl").args(request.split_whitespace()).current_dir(workshop.path("")).output().unwrap();
    assert!(made.status.success(), "{made:?}");

    let github = load_yaml("ci/github.yml");
    let step = |job: &str| github["jobs"][job]["steps"][1].clone();
    assert_eq!(step("release")["env"]["PINTLE_TOKEN"], "${{ secrets.PINTLE_TOKEN }}");
    assert_eq!(github["jobs"]["release"]["environment"], "production");
    let gitlab = load_yaml("ci/gitlab.yml");
    let (read, release) = (make_token(&workshop, Scopes::Read), make_token(&workshop, Scopes::Release));
    let (reading, releasing) =
        (environment(&server, &read, Scopes::Read), environment(&server, &release, Scopes::Release));

    let shown = workshop.shell(step("show")["run"].as_str().unwrap(), &reading);
    assert!(shown.status == 0 && shown.stdout.contains("--dry-run"), "{shown:?}");
    let refused = workshop.shell(step("release")["run"].as_str().unwrap(), &reading);
    assert_eq!(refused.status, 4, "a token that reads releases nothing: {refused:?}");
    let released = workshop.shell(step("release")["run"].as_str().unwrap(), &releasing);
    assert_eq!((released.status, pins(&workshop, HOST), releases(&workshop)), (0, 2, 2), "{released:?}");
    let again = workshop.shell(gitlab["pins"]["script"][0].as_str().unwrap(), &releasing);
    assert!(again.status == 0 && again.stdout.contains("Unchanged."), "{again:?}");
}

/// `aws`, `systemd-run` and `systemctl` cannot do their work here: stubs stand for them.
#[cfg(unix)]
#[test]
fn the_examples_for_certbot_cert_manager_and_acm_pin_what_was_renewed() {
    let (workshop, server, authority) = open();
    let token = make_token(&workshop, Scopes::Release);
    let environment = environment(&server, &token, Scopes::Release);

    let lineage = write_lineage(&workshop, "next.pem");
    let lines: String = environment.iter().map(|(name, value)| format!("{name}='{value}'\n")).collect();
    workshop.write("certbot.env", lines);
    let renewed =
        [("PINTLE_ENV", "./certbot.env"), ("RENEWED_LINEAGE", lineage.to_str().unwrap()), ("RENEWED_DOMAINS", HOST)];
    let hook = workshop.shell(example("certbot/10-pintle.sh").to_str().unwrap(), &renewed);
    assert_eq!((hook.status, releases(&workshop)), (0, 2), "{hook:?}");
    // It waits no day, but runs what it is given; what it is given must say where the lineage is.
    workshop.stub("systemd-run", r#"while [ "${1#--}" != "$1" ]; do shift; done; exec "$@""#);
    workshop.stub("systemctl", r#"echo "systemctl $*""#);
    let later = example("certbot/20-reload-later.sh");
    let reload = workshop.shell(later.to_str().unwrap(), &renewed);
    assert!(reload.stdout.contains("Unchanged.") && reload.stdout.contains("systemctl reload nginx"), "{reload:?}");

    workshop.write_pem("certificate/tls.crt", &authority.issue(&[HOST]).chain);
    let job = load_yaml("cert-manager/cronjob.yaml");
    let pod = &job["spec"]["jobTemplate"]["spec"]["template"]["spec"];
    let items = &pod["volumes"][0]["secret"]["items"];
    assert_eq!(*items, json!([{ "key": "tls.crt", "path": "tls.crt" }]), "the key stays out of the pod");
    let words: Vec<_> =
        pod["containers"][0]["command"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
    let synced = workshop.shell(&words.join(" ").replace("/certificate/", "certificate/"), &environment);
    assert_eq!((synced.status, releases(&workshop)), (0, 3), "{synced:?}");

    assert_eq!(load_yaml("acm/rule.json")["source"], json!(["aws.acm"]));
    workshop.write_pem("acm.pem", &authority.issue(&[HOST]).chain);
    workshop.stub(
        "aws",
        r#"[ "$*" = "acm get-certificate --certificate-arn arn:1 --query Certificate --output text" ] && cat acm.pem"#,
    );
    let script = format!("{} arn:1", example("acm/pin.sh").display());
    let pinned = workshop.shell(&script, &environment);
    assert_eq!((pinned.status, pins(&workshop, HOST), releases(&workshop)), (0, 4, 4), "{pinned:?}");

    drop(server);
    let unknown = workshop.shell(later.to_str().unwrap(), &renewed);
    assert!(unknown.status != 0 && !unknown.stdout.contains("reload"), "apps may not know the key: {unknown:?}");
}
