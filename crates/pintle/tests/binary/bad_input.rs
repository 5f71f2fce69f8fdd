//! What goes wrong is said clearly: a stable code, a hint, an exit status by kind, and nothing half-written.

use std::net::TcpListener;

use serde_json::Value;

use crate::workshop::{Run, Workshop};

/// Arguments, exit status, code.
type Case<'a> = (&'a [&'a str], i32, &'a str);

const BUNDLE: &str = r#"{"organization":"o","project":"p","urls":["http://127.0.0.1:1"],"public_key":"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ=="}"#;
const TOKEN: &str = "pintle_a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5f6009116";
const NO_ENVIRONMENT: &[(&str, &str)] = &[];

/// A workshop with good and bad files, and nothing running.
fn prepare() -> Workshop {
    let workshop = Workshop::open();
    let p384 = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
    workshop.write("p384.pem", p384.serialize_pem());
    workshop.write("password", "right");
    workshop.write("wrong-password", "wrong");
    workshop.write("garbage", "no such thing");
    workshop.write("bundle.json", BUNDLE);
    workshop.write("no-urls.json", BUNDLE.replace(r#""http://127.0.0.1:1""#, ""));
    workshop.write("plain-http.json", BUNDLE.replace("127.0.0.1:1", "cdn.example.com"));
    workshop.json(&["keys", "generate"]);
    workshop.json(&["keys", "generate", "--out", "locked.pem", "--encrypt", "--password-file", "password"]);
    workshop
}

/// Runs every case: the code and hint are told, there is no result, and no file is made, changed or removed.
fn assert_refused(workshop: &Workshop, cases: &[Case<'_>], environment: &[(&str, &str)]) {
    let before = workshop.files();
    for (arguments, status, code) in cases {
        let run = workshop.run_with(arguments, environment);
        assert_told(arguments, &run, *status, code);
        assert!(workshop.files() == before, "{arguments:?} left traces");
    }
}

fn assert_told(arguments: &[&str], run: &Run, status: i32, code: &str) {
    assert!(run.stderr.contains(&format!("error[{code}]: ")), "{arguments:?}: {code} in {run:?}");
    assert_eq!(run.status, status, "{arguments:?}: {run:?}");
    assert!(run.stdout.is_empty(), "{arguments:?}: {run:?}");
}

#[test]
fn key_files() {
    let workshop = prepare();
    let cases: &[Case<'_>] = &[
        (&["keys", "show", "--key", "missing.pem"], 5, "file_not_found"),
        (&["keys", "show", "--key", "garbage"], 3, "key_unreadable"),
        (&["keys", "show", "--key", "p384.pem"], 3, "key_not_p256"),
        (&["keys", "show", "--key", "locked.pem"], 3, "key_password_needed"),
        (&["keys", "show", "--key", "locked.pem", "--password-file", "wrong-password"], 3, "key_password_wrong"),
        (&["keys", "generate"], 6, "file_exists"),
        (&["keys", "generate", "--out", "new.pem", "--encrypt"], 2, "answer_needed"),
        (&["keys", "generate", "--out", "garbage/new.pem"], 3, "file_unwritable"),
    ];
    assert_refused(&workshop, cases, NO_ENVIRONMENT);
    let told = workshop.run(&["keys", "show", "--key", "missing.pem"]);
    assert!(told.stderr.contains("missing.pem") && told.stderr.contains("hint: `pintle keys generate`"), "{told:?}");
}

#[test]
fn hosts_pins_dates_and_certificates() {
    let workshop = prepare();
    let refused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let cases: &[Case<'_>] = &[
        (&["pins", "add", "--from-host", "not a host"], 3, "host_invalid"),
        (&["pins", "add", "--from-host", "https://example.com"], 3, "host_invalid"),
        (&["pins", "add", "--from-host", "example.com:99999"], 3, "port_invalid"),
        (&["pins", "add", "--from-host", &refused], 8, "site_unreachable"),
        (&["pins", "add", "example.com", "--from-file", "garbage"], 3, "certificate_unparsable"),
        (&["pins", "add", "example.com", "--from-file", "missing.pem"], 5, "file_not_found"),
        (&["pins", "add", "example.com", "--pin", "spki-sha256:AAAA"], 3, "pin_invalid"),
        (&["pins", "add", "example.com", "--pin", "md5:AAAA"], 3, "pin_invalid"),
        (&["pins", "add", "example.com", "--pin", "AAAA", "--expires-at", "soon"], 3, "time_invalid"),
        (&["check", "exa mple", "--bundle", "bundle.json"], 3, "host_invalid"),
    ];
    assert_refused(&workshop, cases, NO_ENVIRONMENT);
}

#[test]
fn bundles_and_configurations() {
    let workshop = prepare();
    let cases: &[Case<'_>] = &[
        (&["check", "example.com"], 5, "file_not_found"),
        (&["check", "example.com", "--bundle", "garbage"], 3, "setup_invalid"),
        (&["check", "example.com", "--bundle", "no-urls.json"], 3, "setup_invalid"),
        (&["check", "example.com", "--bundle", "plain-http.json"], 3, "setup_invalid"),
        (&["check", "example.com", "--bundle", "bundle.json"], 8, "fetch_failed"),
        (&["config", "fetch", "--bundle", "bundle.json"], 8, "fetch_failed"),
        (&["config", "verify", "garbage", "--bundle", "bundle.json"], 7, "config_malformed"),
        (&["config", "decode", "garbage"], 7, "config_malformed"),
        (&["config", "decode", "missing.jws"], 5, "file_not_found"),
    ];
    assert_refused(&workshop, cases, NO_ENVIRONMENT);
}

#[test]
fn servers_and_tokens() {
    let workshop = prepare();
    assert_refused(&workshop, &[(&["orgs", "list"], 2, "server_unknown")], NO_ENVIRONMENT);
    let server = ["--server", "http://127.0.0.1:1"];
    let list = [&["orgs", "list"], &server[..]].concat();
    assert_refused(&workshop, &[(&list, 4, "not_signed_in")], NO_ENVIRONMENT);
    let login = [&["login", "--token-file", "garbage"], &server[..]].concat();
    assert_refused(&workshop, &[(&login, 4, "token_invalid")], NO_ENVIRONMENT);
    let cases: &[Case<'_>] = &[
        (&list, 8, "server_unreachable"),
        (&["orgs", "list", "--server", "http://pins.example.com"], 3, "server_url_insecure"),
        (&["orgs", "list", "--server", "pins.example.com"], 3, "server_url_invalid"),
        (&["login", "--server", "http://127.0.0.1:1"], 8, "server_unreachable"),
        (&["configure", "--server", "pins.example.com"], 3, "server_url_invalid"),
    ];
    assert_refused(&workshop, cases, &[("PINTLE_TOKEN", TOKEN)]);
    workshop.write("config/config.toml", "servr = 1");
    assert_refused(&workshop, &[(&["orgs", "list"], 3, "settings_invalid")], NO_ENVIRONMENT);
}

#[test]
fn a_wrong_token_is_refused_by_the_server_and_not_kept() {
    let workshop = Workshop::open();
    let server = workshop.serve();
    workshop.write("other-token", TOKEN);
    let run = workshop.run(&["login", "--server", &server.url, "--token-file", "other-token"]);
    assert_eq!(run.status, 4, "{run:?}");
    assert!(!workshop.path("config").exists());
}

#[test]
fn what_the_server_refuses_keeps_its_code() {
    let workshop = Workshop::open();
    let server = workshop.serve();
    workshop.json(&["login", "--server", &server.url, "--token-file", "token"]);
    workshop.json(&["orgs", "create", "Acme"]);
    workshop.json(&["projects", "create", "shop"]);
    for (arguments, status) in [
        (&["domains", "add", "not a host"][..], 3),
        (&["domains", "add", "*.com"], 3),
        (&["domains", "remove", "absent.example.com"], 5),
        (&["projects", "create", "shop"], 6),
        (&["projects", "show", "absent"], 5),
        (&["releases", "show", "7"], 5),
    ] {
        let run = workshop.run(&[arguments, &["--output", "json"]].concat());
        assert_eq!(run.status, status, "{arguments:?}: {run:?}");
        let told: Value = serde_json::from_str(&run.stderr).unwrap();
        assert!(told["error"]["code"].is_string() && told["error"]["message"].is_string(), "{told}");
    }
}

#[test]
fn servers_that_cannot_start_say_why() {
    let workshop = Workshop::open();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    workshop.write("file", "in the way");
    workshop.write("corrupt/pintle.db", "this is no database. ".repeat(100));
    workshop.write("server.toml", "listen = \"127.0.0.1:0\"\nlisten_on = 1\n");
    let cases: &[Case<'_>] = &[
        (&["serve", "--data-dir", "file/data", "--listen", "127.0.0.1:0"], 3, "data_dir_unusable"),
        (&["serve", "--data-dir", "corrupt", "--listen", "127.0.0.1:0"], 3, "database_corrupt"),
        (&["serve", "--data-dir", "data", "--listen", "0.0.0.0:0"], 3, "public_url_missing"),
        (&["serve", "--data-dir", "data", "--config", "server.toml"], 3, "option_unknown"),
        (&["serve", "--data-dir", "data", "--config", "file"], 3, "server_config_invalid"),
        (&["serve", "--data-dir", "data", "--config", "missing.toml"], 3, "server_config_unreadable"),
        (&["serve", "--data-dir", "data", "--log", "="], 3, "log_filter_invalid"),
        (&["serve", "--data-dir", "data", "--listen", &taken], 6, "listen_failed"),
    ];
    for (arguments, status, code) in cases {
        let run = workshop.run(arguments);
        assert_told(arguments, &run, *status, code);
        assert!(run.stderr.contains("hint: "), "{arguments:?}: {run:?}");
    }
    let kept = std::fs::read_to_string(workshop.path("corrupt/pintle.db")).unwrap();
    assert!(kept.starts_with("this is no database"), "a corrupt database is left as it is");
    assert!(!workshop.path("data/pintle.db").exists(), "no database is made by a server that cannot start");
}

#[test]
fn a_data_directory_has_one_server() {
    let workshop = Workshop::open();
    let _server = workshop.serve();
    let run = workshop.run(&["serve", "--data-dir", "data", "--listen", "127.0.0.1:0"]);
    assert_told(&["serve"], &run, 6, "data_dir_locked");
}
