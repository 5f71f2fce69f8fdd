//! TLS inspection by mitmproxy, whose CA the device trusts, between an app and its server.
#![cfg(test)]

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use pintle_core::{Code, claims::Pin, decide::Verdict};
use pintle_sdk::{Authorities, Client, Error, Pintle};
use pintle_testkit::{
    cdn::{Cdn, Reply},
    certificate::{Authority, issuer_pin, leaf_pin},
    project::{Project, domain},
    site::Site,
};
use rustls_pki_types::{CertificateDer, pem::PemObject};

const HOST: &str = "shop.example";
/// What must never reach the proxy.
const SECRET: &str = "card=4111111111111111";
const START_LIMIT: Duration = Duration::from_secs(60);

/// mitmproxy in front of one site, with a CA of its own; ended when dropped.
struct Mitmproxy {
    child: Child,
    address: SocketAddr,
    folder: tempfile::TempDir,
}

impl Mitmproxy {
    async fn start(site: SocketAddr) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = free_address();
        let child = Command::new(mitmdump())
            .args(["--mode", &format!("reverse:https://{site}"), "--listen-host", "127.0.0.1"])
            .args(["--listen-port", &address.port().to_string(), "--save-stream-file"])
            .arg(folder.path().join("flows"))
            // It inspects; whether it believes the site is its own affair.
            .args(["--set", "ssl_insecure=true", "--set", "keep_host_header=true", "--set"])
            .arg(format!("confdir={}", folder.path().display()))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("mitmdump is installed by `cargo xtask setup`");
        let proxy = Self { child, address, folder };
        proxy.wait_until_it_listens().await;
        proxy
    }

    async fn wait_until_it_listens(&self) {
        let started = Instant::now();
        while tokio::net::TcpStream::connect(self.address).await.is_err() || !self.ca_path().exists() {
            assert!(started.elapsed() < START_LIMIT, "mitmproxy did not start");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn ca_path(&self) -> PathBuf {
        self.folder.path().join("mitmproxy-ca-cert.pem")
    }

    fn ca(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_file(self.ca_path()).unwrap()
    }

    /// Ends it, so that everything is written, and reads its flow log.
    fn into_flow_log(mut self) -> Vec<u8> {
        // SIGTERM lets it flush; `Child::kill` would not.
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.child.wait().unwrap();
        std::fs::read(self.folder.path().join("flows")).unwrap_or_default()
    }
}

impl Drop for Mitmproxy {
    fn drop(&mut self) {
        // Already ended, or ends now.
        let _ended = self.child.kill().and_then(|()| self.child.wait());
    }
}

fn mitmdump() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools/venv/bin/mitmdump")
}

/// A port that was free a moment ago: mitmproxy cannot say which one it chose.
fn free_address() -> SocketAddr {
    std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap()
}

/// An app whose device trusts the site's CA and the proxy's.
async fn app(pins: Vec<Pin>, trusted: Vec<CertificateDer<'static>>) -> (Pintle, Cdn) {
    let cdn = Cdn::start(Reply::Closed).await;
    let project = Project::new(&[cdn.url()]);
    cdn.set(Reply::File(project.config(1, vec![domain(HOST, pins)])));
    let pintle = Pintle::builder(project.bundle())
        .dangerous_allow_http_loopback()
        .connection_authorities(Authorities::Only(trusted))
        .setup()
        .await
        .unwrap();
    (pintle, cdn)
}

fn client_through(pintle: &Pintle, proxy: &Mitmproxy) -> Client {
    let address = proxy.address;
    pintle.client_with(move |builder| builder.no_proxy().resolve(HOST, address)).unwrap()
}

fn contains(haystack: &[u8], needle: &str) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle.as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn inspection_by_a_trusted_ca_is_refused_and_sees_no_byte_of_the_request() {
    let authority = Authority::root("Site CA");
    let certificate = authority.issue(&[HOST]);
    let site = Site::start(&certificate).await;
    let proxy = Mitmproxy::start(site.address()).await;
    let (pintle, _cdn) =
        app(vec![leaf_pin(certificate.leaf())], vec![authority.certificate().clone(), proxy.ca()]).await;

    let outcome = client_through(&pintle, &proxy)
        .post(format!("https://{HOST}/pay"))
        .with(|request| request.body(SECRET))
        .send()
        .await;

    let Err(Error::Refused(refusal)) = outcome else { panic!("{outcome:?}") };
    assert_eq!(refusal.code, Code::PinMismatch);
    assert!(site.seen().requests.is_empty());
    assert!(!contains(&proxy.into_flow_log(), SECRET));
}

/// The control: the same proxy reads everything of a client that trusts its CA and pins nothing.
#[tokio::test(flavor = "multi_thread")]
async fn without_pins_the_same_proxy_reads_the_request() {
    let certificate = Authority::root("Site CA").issue(&[HOST]);
    let site = Site::start(&certificate).await;
    let proxy = Mitmproxy::start(site.address()).await;
    // An error says that another test was first.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .tls_certs_only([reqwest::Certificate::from_der(&proxy.ca()).unwrap()])
        .no_proxy()
        .resolve(HOST, proxy.address)
        .build()
        .unwrap();

    let response = client.post(format!("https://{HOST}/pay")).body(SECRET).send().await.unwrap();

    assert!(response.status().is_success());
    assert_eq!(site.seen().requests.len(), 1);
    assert!(contains(&proxy.into_flow_log(), SECRET));
}

/// TLS inspection that the app's maker agreed to: the inspecting CA is what is pinned.
#[tokio::test(flavor = "multi_thread")]
async fn with_the_proxys_ca_pinned_inspection_is_allowed() {
    let certificate = Authority::root("Site CA").issue(&[HOST]);
    let site = Site::start(&certificate).await;
    let proxy = Mitmproxy::start(site.address()).await;
    let (pintle, _cdn) = app(vec![issuer_pin(&proxy.ca())], vec![proxy.ca()]).await;

    let response = client_through(&pintle, &proxy)
        .post(format!("https://{HOST}/pay"))
        .with(|request| request.body(SECRET))
        .send()
        .await
        .unwrap();

    assert!(response.status().is_success());
    let probe = pintle.probe(HOST, Some(proxy.address)).await.unwrap();
    assert!(matches!(probe.decision.verdict, Verdict::Pinned { position: 1, .. }), "{probe:?}");
    assert!(contains(&proxy.into_flow_log(), SECRET));
}
