//! The key of a server is changed, step by step, as its operator does it.

use std::process::Command;

use pintle_testkit::{
    certificate::{Authority, SiteCertificate},
    site::Site,
};
use rustls_pki_types::{PrivateKeyDer, pem::PemObject as _};

use crate::workshop::Workshop;

const HOST: &str = "127.0.0.1";

#[test]
fn a_server_goes_on_to_its_next_key_and_the_old_pin_goes_last() {
    let workshop = Workshop::open();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let authority = Authority::root("Rotation CA");
    let today = authority.issue(&[HOST]);
    let site = runtime.block_on(Site::start(&today));
    let address = site.address().to_string();
    let server = workshop.serve();
    workshop.json(&["login", "--server", &server.url, "--token-file", "token"]);
    workshop.json(&["orgs", "create", "Acme"]);
    workshop.json(&["projects", "create", "shop"]);
    workshop.json(&["keys", "generate"]);
    workshop.json(&["keys", "register"]);
    workshop.json(&["domains", "add", HOST, "--trust", "pins", "--watch", &address]);
    workshop.json(&["pins", "add", &address, "--from-host", "--label", "today"]);
    let none = workshop.run(&["rotate", "plan", HOST]);
    assert!(none.status == 5 && none.stderr.contains("error[not_found]: no change of the key"), "{none:?}");
    assert!(none.stderr.contains("hint: begin one: `pintle rotate start 127.0.0.1"), "{none:?}");

    let started = workshop.json(&["rotate", "start", HOST, "--new-key", "next.key", "--away", "0"]);
    assert_eq!((&started["phase"], &started["served"][0]["key"]), (&"not_released".into(), &"retiring".into()));
    let request = Command::new("openssl")
        .args(["req", "-verify", "-noout", "-subject", "-in"])
        .arg(workshop.path("next.key.csr"))
        .output()
        .unwrap();
    assert!(request.status.success() && String::from_utf8_lossy(&request.stdout).contains(HOST), "{request:?}");
    let again = workshop.run(&["rotate", "start", HOST, "--new-key", "next.key"]);
    assert_eq!((again.status, again.stderr.contains("error[file_exists]")), (6, true), "{again:?}");
    let resumed = workshop.json(&["rotate", "start", HOST, "--from-csr", "next.key.csr", "--away", "0"]);
    assert_eq!(resumed["next"], started["next"]);

    workshop.json(&["release", "--yes"]);
    let spreading = workshop.json(&["rotate", "plan", HOST]);
    assert_eq!(spreading["phase"], "spreading");
    let window = spreading["safe_from"].as_u64().unwrap() - spreading["live_since"].as_u64().unwrap();
    assert_eq!(window, 690, "refresh and caches");
    let too_early = workshop.run(&["rotate", "finish", HOST]);
    assert_eq!((too_early.status, too_early.stderr.contains("error[not_switched]")), (8, true), "{too_early:?}");
    let waited = workshop.run(&["rotate", "watch", HOST, "--timeout", "0s"]);
    assert_eq!((waited.status, waited.stderr.contains("error[not_switched]")), (8, true), "{waited:?}");

    let key = PrivateKeyDer::from_pem_file(workshop.path("next.key")).unwrap();
    site.swap(&authority.renew(&[HOST], &SiteCertificate { chain: Vec::new(), key }));
    let switched = workshop.json(&["rotate", "watch", HOST]);
    assert_eq!((&switched["phase"], &switched["is_early"]), (&"switched".into(), &true.into()));
    let retiring = workshop.json(&["rotate", "finish", HOST]);
    assert_eq!(retiring["phase"], "retiring");
    let pins = workshop.json(&["pins", "list", HOST]);
    assert_eq!(pins["items"].as_array().unwrap().len(), 1, "{pins}");
    workshop.json(&["release", "--yes"]);
    let done = workshop.json(&["rotate", "finish", HOST]);
    assert_eq!((&done["phase"], done["next_step"].as_str().unwrap().starts_with("nothing")), (&"done".into(), true));
    assert_eq!(workshop.run(&["rotate", "plan", HOST]).status, 5);
    assert!(server.terminate().success());
}
