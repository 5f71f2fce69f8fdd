//! Looking up certificates for whoever asks: of public hosts, and of nothing else (SSRF).

use pintle_api::{LookupResponse, Problem};
use pintle_testkit::{
    certificate::Authority,
    site::Site,
    web::{Answer, WebServer},
};
use tokio::net::TcpListener;

use crate::{
    support::{Server, http},
    tls::make_certificate,
};

async fn ask(server: &Server, host: &str) -> (u16, String) {
    let url = format!("{}/api/v1/lookup", server.url);
    let answer = http().get(url).query(&[("host", host)]).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

async fn refuse(server: &Server, host: &str) -> Problem {
    let (status, body) = ask(server, host).await;
    assert!(status >= 400, "{host}: {body}");
    serde_json::from_str(&body).unwrap()
}

#[tokio::test]
async fn nothing_inside_is_looked_at_and_no_address_is_told() {
    let inside = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = inside.local_addr().unwrap().port();
    let server = Server::start_changed(|config| config.lookup.ports = vec![port]).await;
    for host in ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "localhost", "0.0.0.0", "169.254.169.254", "10.0.0.1"] {
        let problem = refuse(&server, &format!("{host}:{port}")).await;
        let detail = problem.detail;
        assert_eq!(problem.code, "host_unseen", "{host}");
        assert!(detail.ends_with("it leads to an address that is not on the public internet"), "{detail}");
        assert!(host != "localhost" || !detail.contains("127.0.0.1"), "{detail}");
    }
    assert_eq!(refuse(&server, "example.com:22").await.code, "host_unseen");
    assert_eq!(refuse(&server, "https://example.com").await.code, "host_invalid");
    let untouched = tokio::time::timeout(std::time::Duration::ZERO, inside.accept()).await;
    assert!(untouched.is_err(), "a connection arrived");
    server.stop().await;
}

#[tokio::test]
async fn what_the_operator_allows_is_shown_with_its_pins() {
    let files = tempfile::tempdir().unwrap();
    let (tls, _) = make_certificate(files.path());
    let target = Server::start_changed(|config| config.tls = Some(tls)).await;
    let server = Server::start_changed(|config| {
        config.lookup.networks = vec!["127.0.0.1/32".parse().unwrap()];
        config.lookup.ports = vec![target.address.port()];
    })
    .await;
    let (status, body) = ask(&server, &target.address.to_string()).await;
    assert_eq!(status, 200, "{body}");
    let seen: LookupResponse = serde_json::from_str(&body).unwrap();
    let facts = seen.chains[0].certificates[0].facts.as_ref().unwrap();
    assert_eq!((facts.names.as_slice(), facts.pins.len()), (&["127.0.0.1".to_owned()][..], 4));
    target.stop().await;
    server.stop().await;
}

#[tokio::test]
async fn a_chain_is_completed_only_when_asked_and_never_from_inside() {
    let inside = WebServer::start(|_| Answer::ok("secret")).await;
    let certificate = Authority::root("Root").issue_alone(&["127.0.0.1"], &format!("{}/root.der", inside.url()));
    let site = Site::start(&certificate).await;
    let server = Server::start_changed(|config| {
        config.lookup.networks = vec!["127.0.0.1/32".parse().unwrap()];
        config.lookup.ports = vec![site.address().port()];
    })
    .await;
    let ask = async |more: &str| {
        let url = format!("{}/api/v1/lookup?host={}{more}", server.url, site.address());
        let seen: LookupResponse = http().get(url).send().await.unwrap().json().await.unwrap();
        seen.chains.into_iter().next().unwrap().completion
    };
    assert_eq!(ask("").await, None);
    let problem = ask("&complete_chain=true").await.unwrap().problem.unwrap();
    assert!(problem.contains("is not fetched: port"), "{problem}");
    assert!(inside.asked().is_empty());
    server.stop().await;
}

#[tokio::test]
async fn lookups_are_counted_apart_and_can_be_switched_off() {
    let server = Server::start_changed(|config| config.lookup.address_per_minute = 1).await;
    assert_eq!(refuse(&server, "127.0.0.1").await.code, "host_unseen");
    assert_eq!(refuse(&server, "127.0.0.1").await.code, "rate_limited");
    assert_eq!(http().get(format!("{}/healthz", server.url)).send().await.unwrap().status(), 200);
    server.stop().await;
    let server = Server::start_changed(|config| config.lookup.enabled = false).await;
    assert_eq!(refuse(&server, "127.0.0.1").await.code, "lookup_off");
    server.stop().await;
}
