//! TLS by the server itself.

use std::{fs, path::Path};

use pintle_server::{ServerError, TlsConfig};
use reqwest::tls::Version;

use crate::support::{Server, config, start};

/// A certificate for 127.0.0.1 that is its own authority.
pub(crate) fn make_certificate(folder: &Path) -> (TlsConfig, reqwest::Certificate) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let config = TlsConfig { certificate: folder.join("cert.pem"), key: folder.join("key.pem") };
    fs::write(&config.certificate, made.cert.pem()).unwrap();
    fs::write(&config.key, made.signing_key.serialize_pem()).unwrap();
    (config, reqwest::Certificate::from_der(made.cert.der()).unwrap())
}

fn client(trusted: &reqwest::Certificate, versions: Option<Version>) -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder().no_proxy().tls_certs_only([trusted.clone()]);
    let builder = match versions {
        Some(version) => builder.tls_version_min(version).tls_version_max(version),
        None => builder,
    };
    builder.build().unwrap()
}

#[tokio::test]
async fn both_listeners_speak_tls_and_say_so_for_two_years() {
    let files = tempfile::tempdir().unwrap();
    let (tls, certificate) = make_certificate(files.path());
    let server = Server::start_changed(|config| {
        config.tls = Some(tls);
        config.cdn_listen = Some("127.0.0.1:0".parse().unwrap());
        config.metrics_listen = Some("127.0.0.1:0".parse().unwrap());
    })
    .await;
    assert!(server.url.starts_with("https://127.0.0.1:"), "{}", server.url);
    for (address, version) in [
        (server.address, Version::TLS_1_2),
        (server.address, Version::TLS_1_3),
        (server.cdn_address.unwrap(), Version::TLS_1_3),
    ] {
        let answer = client(&certificate, Some(version)).get(format!("https://{address}/readyz")).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
        assert_eq!(answer.headers()["strict-transport-security"], "max-age=63072000");
        assert_eq!(answer.version(), reqwest::Version::HTTP_11);
    }
    let plain = crate::support::http().get(format!("http://{}/healthz", server.address)).send().await;
    assert!(plain.is_err(), "nothing is said in the clear");
    let metrics = format!("http://{}/metrics", server.metrics_address.unwrap());
    assert!(crate::support::http().get(metrics).send().await.unwrap().status().is_success());
    server.stop().await;
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_stops_the_start() {
    let files = tempfile::tempdir().unwrap();
    let (tls, _) = make_certificate(files.path());
    fs::write(&tls.key, "no key").unwrap();
    let config = pintle_server::ServerConfig { tls: Some(tls), ..config(files.path()) };
    let (ready, task) = start(config, std::future::pending()).await;
    assert!(ready.is_none());
    let error = task.await.unwrap().unwrap_err();
    assert!(matches!(error, ServerError::Tls(_)));
    assert_eq!(error.code(), "tls_unusable");
}
