//! What the world shows, seen from inside a network that the server does not reach, and by those who read CT logs.

use std::{sync::Mutex, time::Duration};

use base64ct::{Base64, Encoding};
use pintle_testkit::{
    certificate::{Authority, SiteCertificate, leaf_pin},
    site::Site,
    web::{Answer, WebServer},
};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::{
    ct_search::Source,
    workshop::{Server, Workshop},
};

const HOST: &str = "127.0.0.1";

/// A domain that is released, and a key for an agent beside its server, which Pintle's own does not reach.
struct Inside {
    workshop: Workshop,
    server: Server,
    authority: Authority,
    site: Site,
    _runtime: Runtime,
}

impl Inside {
    fn released(settings: &[&str]) -> Self {
        let workshop = Workshop::open();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let authority = Authority::root("Own CA");
        let site = runtime.block_on(Site::start(&authority.issue(&[HOST])));
        let address = site.address().to_string();
        let server = workshop.serve();
        set_up(&workshop, &server);
        workshop.json(&[&["domains", "add", HOST, "--trust", "pins", "--watch", &address], settings].concat());
        workshop.json(&["pins", "add", HOST, "--from-host", &address]);
        workshop.json(&["release", "--yes"]);
        workshop.json(&["keys", "generate", "--out", "agent.pem"]);
        Self { workshop, server, authority, site, _runtime: runtime }
    }

    fn look(&self) -> Value {
        self.workshop.json(&["probe", "run", "--key", "agent.pem", "--once"])
    }

    /// What an agent reports of another key of the same issuer.
    fn switch(&self) -> (Value, String) {
        let next = self.authority.issue(&[HOST]);
        self.site.swap(&next);
        (self.look()["drift"][0]["state"].clone(), leaf_pin(next.leaf()).digest.to_base64())
    }

    fn proposed(&self) -> Value {
        self.workshop.json(&["pins", "list", HOST])["items"][0]["proposed"].clone()
    }
}

fn set_up(workshop: &Workshop, server: &Server) {
    workshop.json(&["login", "--server", &server.url, "--token-file", "token"]);
    workshop.json(&["orgs", "create", "Acme"]);
    workshop.json(&["projects", "create", "shop"]);
    workshop.json(&["keys", "generate"]);
    workshop.json(&["keys", "register"]);
}

#[test]
fn an_agent_inside_tells_of_another_key_and_ci_notices() {
    let inside = Inside::released(&[]);
    let (workshop, site) = (&inside.workshop, &inside.site);
    let unknown = workshop.run(&["probe", "run", "--key", "agent.pem", "--once"]);
    assert_eq!((unknown.status, unknown.stderr.contains("pintle probe add")), (5, true), "{unknown:?}");
    workshop.json(&["probe", "add", "office", "--key", "agent.pem"]);
    let seen = inside.look();
    assert_eq!((&seen["reported"], &seen["drift"][0]["state"]), (&json!(1), &json!("match")), "{seen}");
    assert_eq!(workshop.run(&["drift"]).status, 0);

    site.swap(&Authority::root("Stranger").issue(&[HOST]));
    assert_eq!(inside.look()["drift"][0]["state"], "unexpected_issuer");
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
    assert!(inside.server.terminate().success());
}

#[test]
fn a_key_that_was_seen_is_proposed_and_a_person_says_yes_or_no() {
    let inside = Inside::released(&["--auto-draft", "live"]);
    let workshop = &inside.workshop;
    assert!(workshop.run(&["domains", "list"]).stdout.contains("live"));
    workshop.json(&["probe", "add", "office", "--key", "agent.pem"]);
    assert_eq!(inside.look()["drift"][0]["state"], "match");

    let (state, digest) = inside.switch();
    assert_eq!(state, "mismatch");
    let listed = workshop.run(&["pins", "list", HOST]).stdout;
    let (beginning, _) = digest.split_at(12);
    for expected in ["proposed", &digest, "seen from office", &format!("pintle pins accept {HOST} {beginning}")] {
        assert!(listed.contains(expected), "{expected}: {listed}");
    }
    let accepted = workshop.json(&["pins", "accept", HOST, beginning]);
    assert_eq!((&accepted["digest"], &accepted["source"]), (&json!(digest), &json!("fetched")));
    assert_eq!(inside.proposed(), json!([]));
    workshop.json(&["release", "--yes"]);
    inside.look();
    assert_eq!(inside.look()["drift"][0]["state"], "match");

    let (state, digest) = inside.switch();
    assert_eq!(state, "mismatch");
    let dismissed = workshop.run(&["pins", "dismiss", HOST, &format!("spki-sha256:{digest}")]);
    assert!(dismissed.status == 0 && dismissed.stdout.contains("is not proposed for 127.0.0.1 again"), "{dismissed:?}");
    inside.look();
    assert_eq!(inside.proposed(), json!([]), "no means no");
    let gone = workshop.run(&["pins", "accept", HOST, &digest]);
    assert!(gone.status == 5 && gone.stderr.contains("hint: `pintle pins list`"), "{gone:?}");

    assert_eq!(workshop.json(&["domains", "set", HOST, "--auto-draft", "off"])["auto_draft"], "off");
    let (state, _) = inside.switch();
    assert_eq!((state, inside.proposed()), (json!("mismatch"), json!([])));
}

/// A source that answers as Cert Spotter does, and knows one certificate of every host.
async fn start_spotter(certificate: &SiteCertificate) -> WebServer {
    let issuance = json!([{ "id": "1", "cert_der": Base64::encode_string(certificate.leaf()) }]).to_string();
    let answer = Mutex::new(Answer::ok(issuance));
    WebServer::start(move |_| answer.lock().unwrap().clone()).await
}

/// Its workers look at once when it starts, and else every few seconds.
fn serve_until(workshop: &Workshop, vantage: &str, state: &Value) -> (Server, Value) {
    let server = workshop.serve_with(&["--log", "error", "--config", "server.toml"]);
    workshop.json(&["login", "--server", &server.url, "--token-file", "token"]);
    for _ in 0..150 {
        let drift = workshop.json(&["drift", "--domain", "api.example.com"]);
        let rows = drift["items"].as_array().unwrap();
        if let Some(row) = rows.iter().find(|row| row["vantage"] == vantage && row["state"] == *state) {
            return (server, row.clone());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("{vantage} is never {state}: {:?}", workshop.run(&["drift"]));
}

#[test]
fn the_server_asks_the_ct_sources_of_its_configuration() {
    const DOMAIN: &str = "api.example.com";
    let authority = Authority::root("CA");
    let (pinned, new) = (authority.issue(&[DOMAIN]), authority.issue(&["*.example.com"]));
    let digest = leaf_pin(new.leaf()).digest.to_base64();
    let workshop = Workshop::open();
    workshop.write_pem("leaf.pem", &pinned.chain);
    let runtime = Runtime::new().unwrap();
    let spotter = runtime.block_on(start_spotter(&pinned));
    let crt_sh = Source::start(vec![pinned]);
    workshop.write("spotter-token", "open sesame\n");
    let configure = |interval_secs: u64| {
        let crt_sh = format!("[ct_sources.crtsh]\napi = \"crt.sh\"\nurl = \"{}\"\n", crt_sh.web.url());
        let spotter = format!(
            "[ct_sources.spotter]\napi = \"certspotter\"\nurl = \"{}\"\ntoken_file = \"spotter-token\"\n",
            spotter.url()
        );
        workshop.write("server.toml", format!("[monitor]\nct_interval_secs = {interval_secs}\n{crt_sh}{spotter}"));
    };
    configure(604_800);

    let server = workshop.serve();
    set_up(&workshop, &server);
    // A port that the server does not look at: what servers show is another test's business.
    workshop.json(&["domains", "add", DOMAIN, "--watch", "api.example.com:9"]);
    workshop.json(&["pins", "add", DOMAIN, "--from-file", "leaf.pem"]);
    workshop.json(&["release", "--yes", "--no-probe"]);
    assert!(server.terminate().success());
    let (server, _) = serve_until(&workshop, "server", &json!("not_looked_at"));
    assert!(server.terminate().success());
    let (server, row) = serve_until(&workshop, "ct", &json!("match"));
    assert!(row["detail"].as_str().unwrap().contains("The one certificate in CT is pinned"), "{row}");
    assert!(server.terminate().success());
    let questions = spotter.asked();
    assert!(questions.iter().all(|asked| asked.header("authorization") == Some("Bearer open sesame")));
    assert!(questions[0].path.starts_with("/v1/issuances?domain=api.example.com"), "{questions:?}");
    let asked = crt_sh.web.asked();
    assert!(asked.iter().any(|asked| asked.path.contains("q=api.example.com")), "{asked:?}");
    assert!(asked.iter().all(|asked| asked.header("authorization").is_none()), "a token is shown to its source alone");

    // What lies further ahead than the interval reaches is due: nobody waits a week for what changed.
    crt_sh.known.lock().unwrap().push(new);
    configure(60);
    let (server, row) = serve_until(&workshop, "ct", &json!("unpinned_in_ct"));
    let detail = row["detail"].as_str().unwrap();
    assert!(detail.contains(&digest) && detail.contains("told by 127.0.0.1"), "{detail}");
    assert_eq!(workshop.run(&["drift", "--fail-on", "warning"]).status, 7);
    let told = workshop.run(&["status"]);
    assert!(told.status == 1 && told.stdout.contains("api.example.com in CT"), "{told:?}");
    assert!(server.terminate().success());
}
