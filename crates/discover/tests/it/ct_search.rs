//! CT sources that answer as documented, lie, ask for patience, or never end.

use std::{io::Write as _, sync::Mutex, time::Duration};

use base64ct::{Base64, Encoding};
use flate2::{Compression, write::GzEncoder};
use pintle_core::{HostName, UnixTime};
use pintle_discover::{CtApi, CtError, CtSource, WebClient, WebError, limits::MAX_ANSWER_BYTES};
use pintle_testkit::{
    certificate::{Authority, SiteCertificate},
    web::{Answer, WebServer},
};

const HOST: &str = "api.example.com";

/// A source that gives these answers one after the other.
async fn start(answers: Vec<Answer>) -> WebServer {
    let answers = Mutex::new(answers.into_iter());
    WebServer::start(move |_| answers.lock().unwrap().next().unwrap_or(Answer::status("500 None"))).await
}

fn client() -> WebClient {
    WebClient::new().unwrap().with_spacing(Duration::ZERO)
}

/// The names of what it found.
async fn search(source: &WebServer, client: &WebClient, api: CtApi) -> Result<Vec<Vec<String>>, CtError> {
    let source = CtSource::parse(api, &source.url(), Some("secret".into())).unwrap();
    let now = UnixTime::from_secs(1_796_000_000);
    let found = source.search(client, &HostName::parse(HOST).unwrap(), now).await?;
    Ok(found.into_iter().map(|logged| logged.facts.names).collect())
}

fn pem(certificate: &SiteCertificate) -> Answer {
    let body = Base64::encode_string(certificate.leaf());
    Answer::ok(format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"))
}

#[tokio::test]
async fn crt_sh_lists_and_then_gives_each_certificate() {
    let authority = Authority::root("CA");
    let source = start(vec![
        Answer::ok(r#"[{"id":1,"name_value":"api.example.com","issuer_ca_id":7},{"id":9},{"id":3},{"id":2}]"#),
        Answer::ok(r#"[{"id":3}]"#),
        pem(&authority.issue(&[HOST])),
        // A certificate of somebody else, an expired one, and nonsense.
        pem(&authority.issue(&["other.example"])),
        pem(&authority.issue_expired(&[HOST])),
        Answer::ok("<html>"),
    ])
    .await;
    assert_eq!(search(&source, &client(), CtApi::CrtSh).await.unwrap(), [[HOST]]);
    let asked = source.asked();
    let paths: Vec<_> = asked.iter().map(|request| request.path.as_str()).collect();
    assert_eq!(
        paths[..3],
        [
            "/?q=api.example.com&output=json&exclude=expired&deduplicate=Y",
            "/?q=*.example.com&output=json&exclude=expired&deduplicate=Y",
            "/?d=9",
        ],
        "the newest certificate first"
    );
    assert_eq!(paths.len(), 6, "nothing is asked twice");
    assert!(asked[0].header("user-agent").unwrap().starts_with("pintle-discover/"));
}

#[tokio::test]
async fn cert_spotter_gives_certificates_in_its_list() {
    let der = |names: &[&str]| Base64::encode_string(Authority::root("CA").issue(names).leaf());
    let list = format!(
        r#"[{{"id":"1","cert_der":"{}"}},{{"id":"2","cert_der":"{}"}},{{"id":"3"}},{{"id":"4","cert_der":"?"}}]"#,
        der(&["*.example.com"]),
        der(&["*.other.example"]),
    );
    let source = start(vec![Answer::ok(list)]).await;
    assert_eq!(search(&source, &client(), CtApi::CertSpotter).await.unwrap(), [["*.example.com"]]);
    let asked = source.asked();
    assert_eq!(asked[0].path, "/v1/issuances?domain=api.example.com&match_wildcards=true&expand=cert_der");
    assert_eq!(asked[0].header("authorization"), Some("Bearer secret"));
}

#[tokio::test]
async fn of_a_certificate_and_its_precertificate_one_is_told() {
    let issued = Authority::root("CA").issue(&[HOST]);
    let der = Base64::encode_string(issued.leaf());
    let list = format!(r#"[{{"cert_der":"{der}"}},{{"cert_der":"{der}"}}]"#);
    let source = start(vec![Answer::ok(list)]).await;
    assert_eq!(search(&source, &client(), CtApi::CertSpotter).await.unwrap(), [[HOST]]);
}

#[tokio::test]
async fn what_was_answered_is_not_asked_again() {
    let source = start(vec![Answer::ok("[]")]).await;
    let client = client();
    for _ in 0..3 {
        assert!(search(&source, &client, CtApi::CertSpotter).await.unwrap().is_empty());
    }
    assert_eq!(source.asked().len(), 1);
}

#[tokio::test]
async fn a_short_wait_is_kept_and_a_long_one_told_and_kept() {
    let source = start(vec![Answer::status("429 Slow\r\nRetry-After: 0"), Answer::ok("[]")]).await;
    assert!(search(&source, &client(), CtApi::CertSpotter).await.unwrap().is_empty());
    assert_eq!(source.asked().len(), 2);
    let source = start(vec![Answer::status("429 Never\r\nRetry-After: 18446744073709551615")]).await;
    let busy = search(&source, &client(), CtApi::CrtSh).await.unwrap_err();
    assert!(
        matches!(busy, CtError::Web(WebError::Busy { wait_secs: 21_600, .. })),
        "no source silences itself: {busy}"
    );
    let source = start(vec![Answer::status("503 Later\r\nRetry-After: 3600")]).await;
    let client = client();
    let busy = search(&source, &client, CtApi::CrtSh).await.unwrap_err();
    assert!(matches!(busy, CtError::Web(WebError::Busy { wait_secs: 3600, .. })), "{busy}");
    let again = search(&source, &client, CtApi::CrtSh).await.unwrap_err();
    assert!(matches!(again, CtError::Web(WebError::Busy { wait_secs: 3590..=3600, .. })), "{again}");
    assert_eq!(source.asked().len(), 1, "it asked to be left alone");
}

#[tokio::test(start_paused = true)]
async fn questions_to_one_host_are_spaced() {
    let source = start(vec![Answer::ok("[]"), Answer::ok("[]")]).await;
    let started = tokio::time::Instant::now();
    let client = WebClient::new().unwrap().with_spacing(Duration::from_secs(5));
    search(&source, &client, CtApi::CrtSh).await.unwrap();
    assert_eq!(source.asked().len(), 2);
    assert!(started.elapsed() >= Duration::from_secs(5), "{:?}", started.elapsed());
}

#[tokio::test]
async fn what_is_wrong_with_an_answer_is_told() {
    let bomb = {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&vec![b' '; MAX_ANSWER_BYTES + 1]).unwrap();
        encoder.finish().unwrap()
    };
    assert!(bomb.len() < 100_000);
    for (answer, expected) in [
        (Answer::ok("<html>"), "something else than its documented list in JSON"),
        (Answer::ok(vec![b'['; MAX_ANSWER_BYTES + 1]), "more than"),
        (Answer::ok(bomb).with_header("Content-Encoding: gzip"), "more than"),
        (Answer::ok("no gzip").with_header("Content-Encoding: gzip"), "cannot be decompressed"),
        (Answer::status("302 Found\r\nLocation: http://127.0.0.1:1/"), "status 302"),
        (Answer::status("404 Not Found"), "status 404"),
    ] {
        let source = start(vec![answer]).await;
        let error = search(&source, &client(), CtApi::CrtSh).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert_eq!(source.asked().len(), 1);
    }
    let gone = start(Vec::new()).await;
    let source = CtSource::parse(CtApi::CrtSh, &gone.url(), None).unwrap();
    drop(gone);
    let host = HostName::parse(HOST).unwrap();
    let error = source.search(&client(), &host, UnixTime::from_secs(0)).await.unwrap_err().to_string();
    assert!(error.contains("127.0.0.1 cannot be reached") && error.contains("refused"), "{error}");
}

#[test]
fn nobody_on_the_way_is_told_what_is_asked() {
    for url in ["http://crt.sh/", "ftp://crt.sh", "crt.sh", "http://127.0.0.1.example/"] {
        assert!(CtSource::parse(CtApi::CrtSh, url, None).is_err(), "{url}");
    }
    for url in ["https://crt.sh/", "http://localhost:8080/", "http://[::1]/", "http://127.0.0.1/"] {
        assert!(CtSource::parse(CtApi::CrtSh, url, None).is_ok(), "{url}");
    }
}
