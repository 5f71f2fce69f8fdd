//! CT sources that answer as documented, lie, ask for patience, or never end.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use base64ct::{Base64, Encoding};
use pintle_core::{HostName, UnixTime};
use pintle_discover::{CtApi, CtSearchError, CtSource, limits::MAX_SEARCH_BYTES, make_search_client};
use pintle_testkit::certificate::{Authority, SiteCertificate};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

use crate::stage::Server;

const HOST: &str = "api.example.com";

/// Answers one request after the other, and keeps what was asked.
struct Source {
    server: Server,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Source {
    async fn start(answers: Vec<(&'static str, Vec<u8>)>) -> Self {
        let answers = Arc::new(Mutex::new(VecDeque::from(answers)));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&asked);
        let server = Server::start(move |mut stream: TcpStream| {
            let (answers, asked) = (Arc::clone(&answers), Arc::clone(&kept));
            async move {
                let mut lines = BufReader::new(&mut stream).lines();
                let mut request = Vec::new();
                while let Some(line) = lines.next_line().await.unwrap().filter(|line| !line.is_empty()) {
                    request.push(line);
                }
                asked.lock().unwrap().push(request.join("\n"));
                let (status, body) = answers.lock().unwrap().pop_front().unwrap_or(("500 None", Vec::new()));
                let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\n\r\n");
                let _ = stream.write_all(head.as_bytes()).await;
                let _ = stream.write_all(&body).await;
            }
        })
        .await;
        Self { server, asked }
    }

    async fn search(&self, api: CtApi) -> Result<Vec<Vec<String>>, CtSearchError> {
        let url = format!("http://{}", self.server.address).parse().unwrap();
        let source = CtSource { api, url, token: Some("secret".into()) };
        let now = UnixTime::from_secs(1_796_000_000);
        let found = source.search(&make_search_client().unwrap(), &HostName::parse(HOST).unwrap(), now).await?;
        Ok(found.into_iter().map(|logged| logged.facts.names).collect())
    }
}

fn pem(certificate: &SiteCertificate) -> Vec<u8> {
    let body = Base64::encode_string(certificate.leaf());
    format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n").into_bytes()
}

#[tokio::test]
async fn crt_sh_lists_and_then_gives_each_certificate() {
    let authority = Authority::root("CA");
    let source = Source::start(vec![
        ("200 OK", br#"[{"id":1,"name_value":"api.example.com","issuer_ca_id":7},{"id":9},{"id":3},{"id":2}]"#.to_vec()),
        ("200 OK", pem(&authority.issue(&[HOST]))),
        // A certificate of somebody else, an expired one, and nonsense.
        ("200 OK", pem(&authority.issue(&["other.example"]))),
        ("200 OK", pem(&authority.issue_expired(&[HOST]))),
        ("200 OK", b"<html>".to_vec()),
    ])
    .await;
    assert_eq!(source.search(CtApi::CrtSh).await.unwrap(), [[HOST]]);
    let asked = source.asked.lock().unwrap();
    assert!(asked[0].starts_with("GET /?q=api.example.com&output=json&exclude=expired&deduplicate=Y "), "{}", asked[0]);
    assert!(asked[0].contains("user-agent: pintle-discover/"), "{}", asked[0]);
    assert!(asked[1].starts_with("GET /?d=9 "), "the newest first: {}", asked[1]);
}

#[tokio::test]
async fn cert_spotter_gives_certificates_in_its_list() {
    let der = |names: &[&str]| Base64::encode_string(Authority::root("CA").issue(names).leaf());
    let list = format!(
        r#"[{{"id":"1","cert_der":"{}"}},{{"id":"2","cert_der":"{}"}},{{"id":"3"}},{{"id":"4","cert_der":"?"}}]"#,
        der(&["*.example.com"]),
        der(&["*.other.example"]),
    );
    let source = Source::start(vec![("200 OK", list.into_bytes())]).await;
    assert_eq!(source.search(CtApi::CertSpotter).await.unwrap(), [["*.example.com"]]);
    let asked = source.asked.lock().unwrap();
    assert!(asked[0].starts_with("GET /v1/issuances?domain=api.example.com&match_wildcards=true&expand=cert_der "));
    assert!(asked[0].contains("authorization: Bearer secret"), "{}", asked[0]);
}

#[tokio::test]
async fn a_short_wait_is_kept_and_a_long_one_told() {
    let source = Source::start(vec![("429 Slow\r\nRetry-After: 0", vec![]), ("200 OK", b"[]".to_vec())]).await;
    assert!(source.search(CtApi::CrtSh).await.unwrap().is_empty());
    assert_eq!(source.server.accepted(), 2);
    let source = Source::start(vec![("503 Later\r\nRetry-After: 3600", vec![])]).await;
    let refused = source.search(CtApi::CrtSh).await.unwrap_err();
    assert!(matches!(refused, CtSearchError::Busy { retry_after_secs: Some(3600) }), "{refused}");
    assert_eq!(source.server.accepted(), 1);
}

#[tokio::test]
async fn what_is_wrong_with_an_answer_is_told() {
    for (status, body, expected) in [
        ("200 OK", b"<html>".to_vec(), "something else than its documented JSON"),
        ("200 OK", vec![b'['; MAX_SEARCH_BYTES + 1], "more than"),
        ("302 Found\r\nLocation: http://127.0.0.1:1/", vec![], "status 302"),
        ("404 Not Found", vec![], "status 404"),
    ] {
        let source = Source::start(vec![(status, body)]).await;
        let error = source.search(CtApi::CrtSh).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert_eq!(source.server.accepted(), 1);
    }
}
