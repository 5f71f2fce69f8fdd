//! Asking Certificate Transparency: of a source that answers like crt.sh, and of one that does not.

use std::sync::{Arc, Mutex};

use base64ct::{Base64, Encoding};
use pintle_core::UnixTime;
use pintle_testkit::{
    certificate::{Authority, SiteCertificate, leaf_pin},
    ct::{Log, ServedLog, Submission},
    web::{Answer, WebServer},
};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::workshop::{Server, Workshop};

const HOST: &str = "api.example.com";

/// A source that knows these certificates of every host.
pub(crate) struct Source {
    _runtime: Runtime,
    pub(crate) web: WebServer,
    pub(crate) known: Arc<Mutex<Vec<SiteCertificate>>>,
}

impl Source {
    pub(crate) fn start(known: Vec<SiteCertificate>) -> Self {
        let runtime = Runtime::new().unwrap();
        let known = Arc::new(Mutex::new(known));
        let shown = Arc::clone(&known);
        let web = runtime.block_on(WebServer::start(move |path| {
            let known = shown.lock().unwrap();
            match path.strip_prefix("/?d=") {
                Some(id) => Answer::ok(to_pem(&known[id.parse::<usize>().unwrap()])),
                None => {
                    let list: Vec<_> = (0..known.len()).map(|id| json!({ "id": id })).collect();
                    Answer::ok(json!(list).to_string())
                }
            }
        }));
        Self { _runtime: runtime, web, known }
    }
}

fn to_pem(certificate: &SiteCertificate) -> String {
    let body = Base64::encode_string(certificate.leaf());
    format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
}

fn digest(certificate: &SiteCertificate) -> String {
    leaf_pin(certificate.leaf()).digest.to_base64()
}

fn workshop_with_domain() -> (Workshop, Server) {
    let workshop = Workshop::open();
    let server = workshop.serve();
    workshop.json(&["login", "--server", &server.url, "--token-file", "token"]);
    workshop.json(&["orgs", "create", "Acme"]);
    workshop.json(&["projects", "create", "shop"]);
    workshop.json(&["keys", "generate", "--out", "signing.pem"]);
    workshop.json(&["keys", "register", "--key", "signing.pem"]);
    workshop.json(&["domains", "add", HOST]);
    (workshop, server)
}

#[test]
fn a_key_that_ct_knows_is_shown_and_pinned() {
    let authority = Authority::root("CA");
    let certificate = authority.issue(&[HOST]);
    // The renewal keeps the key: two certificates, one pin.
    let renewal = authority.renew(&[HOST], &certificate);
    let source = Source::start(vec![certificate, renewal, authority.issue(&["other.example"])]);
    let (workshop, _server) = workshop_with_domain();
    let url = source.web.url();

    let seen = workshop.json(&["certs", HOST, "--ct", "--ct-url", &url]);
    assert_eq!((&seen["host"], &seen["source"]), (&json!(HOST), &json!("crt.sh")));
    let [newest, _] = seen["certificates"].as_array().unwrap().as_slice() else { panic!("{seen}") };
    let expected = digest(&source.known.lock().unwrap()[0]);
    assert_eq!(newest["facts"]["pins"][0]["digest"], expected);
    let text = workshop.run(&["certs", HOST, "--ct", "--ct-url", &url]).stdout;
    assert!(text.contains("crt.sh knows, of api.example.com") && text.contains(&expected), "{text}");

    let pin = workshop.json(&["pins", "add", HOST, "--from-ct", "--ct-url", &url]);
    assert_eq!((&pin["digest"], &pin["source"]), (&json!(expected), &json!("ct")));

    source.known.lock().unwrap().push(authority.issue(&[HOST]));
    let ambiguous = workshop.run(&["pins", "add", HOST, "--from-ct", "--ct-url", &url]);
    assert_eq!(ambiguous.status, 2, "which of two keys: {ambiguous:?}");
    assert!(ambiguous.stderr.contains("error[name_ambiguous]") && ambiguous.stderr.contains("--pin TYPE:BASE64"));
    source.known.lock().unwrap().clear();
    assert_eq!(workshop.run(&["pins", "add", HOST, "--from-ct", "--ct-url", &url]).status, 5, "nothing known");
}

#[test]
fn a_refresh_tells_what_ct_has_and_no_pin_fits_and_drafts_it_only_when_asked() {
    let authority = Authority::root("CA");
    let (pinned, stranger) = (authority.issue(&[HOST]), authority.issue(&["*.example.com"]));
    let (workshop, _server) = workshop_with_domain();
    workshop.write_pem("leaf.pem", &pinned.chain);
    workshop.json(&["pins", "add", HOST, "--from-file", "leaf.pem"]);
    let expected = format!("spki-sha256:{}", digest(&stranger));
    let source = Source::start(vec![pinned, stranger]);
    let url = source.web.url();
    let refresh = |more: &[&str]| {
        let asked = ["pins", "refresh", "--no-probe", "--ct", "--ct-url", &url];
        workshop.json(&[&asked[..], more].concat())["steps"].as_array().unwrap().clone()
    };
    let count = || {
        let pins: Value = workshop.json(&["pins", "list", HOST]);
        pins["items"][0]["pins"].as_array().unwrap().len()
    };
    let [step] = &refresh(&[])[..] else { panic!("one key is not pinned") };
    assert_eq!((&step["action"], &step["pin"], &step["domain"]), (&json!("in_ct"), &json!(expected), &json!(HOST)));
    assert!(step["why"].as_str().unwrap().contains("find out whose it is"), "{step}");
    assert_eq!((refresh(&["--ct-add", "--dry-run"])[0]["action"].clone(), count()), (json!("add"), 1));
    assert_eq!((refresh(&["--ct-add"])[0]["action"].clone(), count()), (json!("add"), 2));
    assert!(refresh(&["--ct-add"]).is_empty(), "everything that is known is pinned");

    let silent = workshop.json(&["pins", "refresh", "--no-probe", "--ct", "--ct-url", "http://127.0.0.1:1"]);
    assert_eq!(silent["steps"][0]["action"], "not_seen");
}

#[test]
fn who_knows_what_ct_holds_may_fail_and_is_not_believed() {
    let runtime = Runtime::new().unwrap();
    let busy = runtime.block_on(WebServer::start(|_| Answer::status("429 Slow").with_header("Retry-After: 600")));
    let lost = runtime.block_on(WebServer::start(|_| Answer::ok("<html>sign in</html>")));
    let workshop = Workshop::open();
    for (url, status, code) in [
        (busy.url().as_str(), 8, "ct_source_busy"),
        (&lost.url(), 8, "ct_source_failed"),
        ("http://127.0.0.1:1", 8, "ct_source_unreachable"),
        ("http://crt.example", 3, "url_invalid"),
    ] {
        let run = workshop.run(&["certs", HOST, "--ct", "--ct-url", url]);
        assert_eq!(run.status, status, "{run:?}");
        assert!(run.stderr.contains(code), "{run:?}");
    }
}

/// A log that holds the precertificate of `certificate`, as a list names it, and where it answers.
fn serve_log(runtime: &Runtime, certificate: &SiteCertificate, place: &str) -> (Value, WebServer) {
    let submissions = [Submission::Certificate(b"another"), Submission::Precertificate(certificate.leaf())];
    let log = ServedLog::new(Log::new("Example"), &submissions, UnixTime::from_secs(1_800_000_000));
    let entry = log.log().entry();
    let web = runtime.block_on(WebServer::start(move |path| log.answer(path)));
    let mut listed = json!({
        "description": format!("Example by {place}"), "log_id": Base64::encode_string(entry.id()), "key": entry.key().to_base64(),
        "state": { "usable": { "timestamp": "2024-01-01T00:00:00Z" } },
    });
    listed[place] = json!(web.url());
    (listed, web)
}

#[test]
fn logs_are_read_themselves_and_one_that_lies_is_named() {
    let runtime = Runtime::new().unwrap();
    let certificate = Authority::root("CA").issue(&[HOST]);
    let (answering, _first) = serve_log(&runtime, &certificate, "url");
    let (tiled, _second) = serve_log(&runtime, &certificate, "monitoring_url");
    // Listed with the place of a log that has another key.
    let (mut lying, _third) = serve_log(&runtime, &certificate, "url");
    lying["url"] = answering["url"].clone();
    let (workshop, _server) = workshop_with_domain();
    let list = json!({"operators": [{"name": "Example", "logs": [answering, lying], "tiled_logs": [tiled]}]});
    workshop.write("logs.json", list.to_string());
    let seen = workshop.json(&["certs", HOST, "--ct", "--ct-log-list", "logs.json"]);
    let [found] = seen["certificates"].as_array().unwrap().as_slice() else { panic!("{seen}") };
    assert_eq!(found["is_precertificate"], true);
    let [unread] = seen["unread"].as_array().unwrap().as_slice() else { panic!("{seen}") };
    assert_eq!(unread, "Example by url: Example by url cannot be believed: its tree head is not signed with its key");

    // What they signed is remembered; one that signs another tree of that size has forked.
    let remembering = ["certs", HOST, "--ct", "--ct-log-list", "logs.json", "--ct-heads", "heads.json"];
    for _ in 0..2 {
        assert_eq!(workshop.json(&remembering)["unread"].as_array().unwrap().len(), 1);
    }
    let mut heads: Value = serde_json::from_slice(&std::fs::read(workshop.path("heads.json")).unwrap()).unwrap();
    assert_eq!(heads.as_object().unwrap().len(), 2);
    for head in heads.as_object_mut().unwrap().values_mut() {
        head["root"] = json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    }
    workshop.write("heads.json", heads.to_string());
    let forked = workshop.run(&remembering);
    assert!(forked.status == 7 && forked.stderr.contains("it has forked"), "{forked:?}");

    let pin = workshop.json(&["pins", "add", HOST, "--from-ct", "--ct-log-list", "logs.json"]);
    assert_eq!((&pin["digest"], &pin["source"]), (&json!(digest(&certificate)), &json!("ct")));
    workshop.write("liar.json", json!({"operators": [{"name": "Example", "logs": [lying]}]}).to_string());
    let liar = workshop.run(&["certs", HOST, "--ct", "--ct-log-list", "liar.json"]);
    assert_eq!(liar.status, 7, "{liar:?}");
    assert!(liar.stderr.contains("error[ct_log_contradicts]"), "{liar:?}");
}
