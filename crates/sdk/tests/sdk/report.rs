//! What leaves for a collector, and when.

use std::{sync::Arc, time::Duration};

use pintle_core::{Code, claims::Enforce, decide::PlatformVerdict};
use pintle_sdk::{Authorities, Pintle};
use pintle_testkit::{
    cdn::{Cdn, Reply},
    certificate::{Authority, leaf_pin},
    project::{Project, domain},
};
use serde_json::{Value, json};

use crate::TestEnvironment;

const HOUR: Duration = Duration::from_secs(3600);

/// Pintle with two entries, one of which only reports, and a collector.
async fn set_up(collector: &Cdn, environment: &Arc<TestEnvironment>) -> (Cdn, Pintle, Authority) {
    let authority = Authority::root("Report CA");
    let pin = leaf_pin(authority.issue(&["a.example"]).leaf());
    let cdn = Cdn::start(Reply::Closed).await;
    let project = Project::new(&[cdn.url()]);
    let mut lenient = domain("b.example", vec![pin]);
    lenient.enforce = Enforce::Report;
    cdn.set(Reply::File(project.config(7, vec![domain("a.example", vec![pin]), lenient])));
    let pintle = Pintle::builder(project.bundle())
        .dangerous_allow_http_loopback()
        .connection_authorities(Authorities::Only(Vec::new()))
        .config_authorities(Authorities::Only(Vec::new()))
        .environment(environment.clone())
        .report_to(format!("{}/collect", collector.url()))
        .setup()
        .await
        .unwrap();
    (cdn, pintle, authority)
}

async fn connect(pintle: &Pintle, authority: &Authority, host: &str) -> Option<Code> {
    let foreign = authority.issue(&[host]);
    pintle.check(host, &foreign.chain, PlatformVerdict::Accepted).await.code()
}

fn body(collector: &Cdn, position: usize) -> Value {
    serde_json::from_slice(&collector.requests().get(position).unwrap().body).unwrap()
}

#[tokio::test]
async fn sums_of_violations_leave_at_most_once_an_hour_and_say_nothing_of_the_user() {
    let collector = Cdn::start(Reply::Status(500, Vec::new())).await;
    let environment = Arc::<TestEnvironment>::default();
    let (_cdn, pintle, authority) = set_up(&collector, &environment).await;
    for host in ["a.example", "a.example", "b.example", "my-secret-host.example"] {
        assert!(connect(&pintle, &authority, host).await.is_some(), "{host}");
    }
    assert!(collector.requests().is_empty(), "not before its time");
    environment.clock.advance(HOUR);
    collector.wait_for_requests(1).await;
    let sent = &collector.requests()[0];
    assert_eq!((sent.method.as_str(), sent.path.as_str()), ("POST", "/collect"));
    let text = String::from_utf8(sent.body.clone()).unwrap();
    assert!(!text.contains("my-secret-host"), "{text}");
    let counts = json!([
        { "code": "domain_not_registered", "version": 7, "refused": 1, "reported": 0 },
        { "domain": "a.example", "code": "pin_mismatch", "version": 7, "refused": 2, "reported": 0 },
        { "domain": "b.example", "code": "pin_mismatch", "version": 7, "refused": 0, "reported": 1 },
    ]);
    assert_eq!(
        body(&collector, 0),
        json!({ "format": 1, "organization": "acme", "project": "app", "counts": counts }),
        "{text}"
    );

    // The collector failed: the next report has all of it.
    collector.set(Reply::Status(204, Vec::new()));
    connect(&pintle, &authority, "a.example").await;
    environment.clock.advance(HOUR);
    environment.clock.advance(HOUR);
    collector.wait_for_requests(2).await;
    assert_eq!(body(&collector, 1)["counts"][1]["refused"], 3);
}

#[tokio::test]
async fn a_collector_is_a_url_that_configurations_could_come_from() {
    for url in ["http://collector.example", "collector.example", "https://"] {
        let started = Pintle::builder(Project::new(&["https://pins.example"]).bundle()).report_to(url).start().await;
        assert_eq!(started.err().and_then(|error| error.code()), Some(Code::SetupInvalid), "{url}");
    }
}
