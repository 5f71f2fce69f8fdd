//! What the world shows, seen from inside a network that the server does not reach.

use pintle_testkit::{certificate::Authority, site::Site};
use serde_json::json;

use crate::workshop::Workshop;

const HOST: &str = "127.0.0.1";

#[test]
fn an_agent_inside_tells_of_another_key_and_ci_notices() {
    let workshop = Workshop::open();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let site = runtime.block_on(Site::start(&Authority::root("Own CA").issue(&[HOST])));
    let address = site.address().to_string();
    let server = workshop.serve();
    workshop.json(&["login", "--server", &server.url, "--token-file", "token"]);
    workshop.json(&["orgs", "create", "Acme"]);
    workshop.json(&["projects", "create", "shop"]);
    workshop.json(&["keys", "generate"]);
    workshop.json(&["keys", "register"]);
    workshop.json(&["domains", "add", HOST, "--trust", "pins", "--watch", &address]);
    workshop.json(&["pins", "add", HOST, "--from-host", &address]);
    workshop.json(&["release", "--yes"]);

    workshop.json(&["keys", "generate", "--out", "agent.pem"]);
    let unknown = workshop.run(&["probe", "run", "--key", "agent.pem", "--once"]);
    assert_eq!((unknown.status, unknown.stderr.contains("pintle probe add")), (5, true), "{unknown:?}");
    workshop.json(&["probe", "add", "office", "--key", "agent.pem"]);
    let look = || workshop.json(&["probe", "run", "--key", "agent.pem", "--once"]);
    let seen = look();
    assert_eq!((&seen["reported"], &seen["drift"][0]["state"]), (&json!(1), &json!("match")), "{seen}");
    assert_eq!(workshop.run(&["drift"]).status, 0);

    site.swap(&Authority::root("Stranger").issue(&[HOST]));
    assert_eq!(look()["drift"][0]["state"], "unexpected_issuer");
    let drift = workshop.run(&["drift"]);
    assert_eq!(drift.status, 7, "{drift:?}");
    assert!(drift.stdout.contains("unexpected_issuer[127.0.0.1]") && drift.stdout.contains("seen from"), "{drift:?}");
    let history = workshop.run(&["drift", "history", HOST]);
    assert!(history.stdout.contains("match -> unexpected_issuer") && history.stdout.contains("office"), "{history:?}");

    // Whoever is told of it, and what they do about it.
    let alerts = workshop.json(&["alerts", "list", "--open", "--of-project"]);
    let alert = alerts["items"].as_array().unwrap().iter().find(|alert| alert["kind"] == "issuer_unexpected").unwrap();
    let shown = workshop.run(&["alerts", "show", alert["id"].as_str().unwrap()]);
    assert!(shown.status == 0 && shown.stdout.contains("What to do"), "{shown:?}");
    assert_eq!(workshop.run(&["alerts", "show", "alr_00000000000000000000000000"]).status, 5);
    assert_eq!(workshop.json(&["alerts", "list", "--kind", "pin_expiring"])["items"], json!([]));
    let status = workshop.run(&["status"]);
    assert!(status.stdout.contains(HOST), "{status:?}");
    workshop.json(&["notifications", "set", "--mail", "digest", "--off", "pin_expiring"]);
    let choices = workshop.json(&["notifications", "show"]);
    assert_eq!(choices["mail"], "digest", "{choices}");
    let unknown = workshop.run(&["notifications", "set", "--off", "no_such_kind", "--output", "json"]);
    assert!(unknown.status == 3 && unknown.stderr.contains("value_invalid"), "{unknown:?}");

    assert_eq!(workshop.json(&["probe", "list"])["items"][0]["name"], "office");
    workshop.json(&["probe", "remove", "office"]);
    assert_eq!(workshop.run(&["drift"]).status, 0, "nobody's word is left");
    assert_eq!(workshop.run(&["probe", "run", "--key", "agent.pem", "--once"]).status, 5);
    assert!(server.terminate().success());
}
