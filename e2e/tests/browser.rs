//! The dashboard in a real browser: Debian's Chromium, driven by Playwright. `cargo xtask screenshots` runs the same
//! journeys and keeps what they saw.
#![cfg(test)]

#[path = "browser/bench.rs"]
mod bench;

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::Command,
};

use pintle_e2e::{Server, oidc::Providers};
use pintle_testkit::{
    certificate::Authority,
    site::Site,
    web::{Answer, WebServer},
};
use serde_json::json;

/// A server that may look at a live site of this machine, and that site.
struct World {
    folder: tempfile::TempDir,
    _server: Server,
    url: String,
    site: Site,
    _ct_source: WebServer,
}

impl World {
    async fn start() -> Self {
        Self::start_with("").await
    }

    /// With more in its configuration.
    async fn start_with(sections: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::root("Site CA");
        let site = Site::start(&authority.issue(&["127.0.0.1"])).await;
        let logged = to_pem("CERTIFICATE", authority.issue(&["api.example.com"]).leaf());
        let ct_source = WebServer::start(move |path| match path.contains("api.example.com") {
            true => Answer::ok("[{\"id\":1}]"),
            false if path == "/?d=1" => Answer::ok(logged.clone()),
            false => Answer::ok("[]"),
        })
        .await;
        let ports = site.address().port();
        // A name, since browsers know no passkeys under an address.
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let url = format!("http://localhost:{port}");
        let config = format!(
            "public_url = \"{url}\"\n[lookup]\nnetworks = [\"127.0.0.0/8\"]\nports = [\"{ports}\"]\naddress_per_minute = 0\n\
             [guard]\nnetworks = [\"127.0.0.0/8\"]\nports = [\"{ports}\"]\nroots = [\"ca.pem\"]\n\
             [reports]\nenabled = true\n\
             [ct_sources.local]\napi = \"crt.sh\"\nurl = \"{}\"\n\
             [rate_limits]\naddress_per_minute = 0\ntoken_per_minute = 0\naccount_per_minute = 0\n{sections}",
            ct_source.url()
        );
        fs::write(folder.path().join("pintle.toml"), config).unwrap();
        fs::write(folder.path().join("ca.pem"), to_pem("CERTIFICATE", authority.certificate())).unwrap();
        fs::write(folder.path().join("master"), "quiet otters fold maps daily\n").unwrap();
        make_request(folder.path());
        let (server, _) = Server::start(folder.path(), &["--listen", &format!("127.0.0.1:{port}")]);
        Self { folder, _server: server, url, site, _ct_source: ct_source }
    }

    /// Runs a journey, which must end well.
    fn run(&self, journey: &str) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let tests = std::env::current_exe().unwrap();
        let binary = tests.parent().and_then(Path::parent).unwrap().join("pintle");
        let pictures = std::env::var_os("PINTLE_SCREENSHOTS").map(PathBuf::from);
        let world = json!({
            "url": self.url,
            "tools": root.join("../target/tools/node"),
            "assets": root.join("../crates/server/assets"),
            "binary": binary,
            "folder": self.folder.path(),
            "pictures": pictures,
            "site": { "host": "127.0.0.1", "address": self.site.address().to_string() },
        });
        let mut node = Command::new("node");
        node.arg(root.join("tests/browser").join(journey)).env("PINTLE_BROWSER_WORLD", world.to_string());
        let output = node.output().unwrap();
        assert!(output.status.success(), "{journey}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

fn to_pem(label: &str, der: &[u8]) -> String {
    let body = <base64ct::Base64 as base64ct::Encoding>::encode_string(der);
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
}

/// The next key of the site, as a signing request in `next.csr`.
fn make_request(folder: &Path) {
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]);
    openssl.args(["-keyout", "next.key", "-out", "next.csr", "-subj", "/CN=127.0.0.1"]).current_dir(folder);
    assert!(openssl.output().unwrap().status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_goes_from_nothing_to_an_app_that_connects() {
    World::start().await.run("journey.mjs");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_heart_of_the_journey_needs_no_mouse() {
    World::start().await.run("keyboard.mjs");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_the_page_and_of_openssl_are_one_kind() {
    World::start().await.run("key.mjs");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_brought_in_rotated_and_recovered_in_the_page() {
    World::start().await.run("key-work.mjs");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_is_in_several_hands() {
    World::start().await.run("hands.mjs");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_project_is_as_calm_as_an_empty_one() {
    World::start().await.run("full.mjs");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_but_signing_works_without_javascript() {
    World::start().await.run("plain.mjs");
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_signs_in_through_a_provider() {
    let providers = Providers::start();
    let sections = format!("[accounts]\nsign_up = \"open\"\n{}", providers.config());
    World::start_with(&sections).await.run("sso.mjs");
}

#[tokio::test(flavor = "multi_thread")]
async fn attacks_on_the_dashboard_fail() {
    World::start().await.run("attacks.mjs");
}
