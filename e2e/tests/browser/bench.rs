//! How long the server needs for a page, and what it weighs: a project with 1,000 domains, on SQLite, by one connection that is
//! kept. `cargo xtask bench pages` builds the server by the `release` profile; what ships (`dist`) is optimised further.

use std::{fmt::Write as _, fs, io::Write as _, path::Path, time::Instant};

use pintle_api::{
    AddDomainRequest, AddPinRequest, ApiToken, PinMatch, PinOrigin, PinType,
    client::{Client, ProjectRef},
};
use pintle_e2e::{Server, run, run_for_data};
use reqwest::header;
use serde_json::Value;

const DOMAINS: usize = 1_000;
const ROUNDS: usize = 60;
/// Of the server, for half of the requests.
const MAX_MEDIAN_MICROS: u128 = 5_000;
/// All that a first visit loads.
const MAX_FIRST_LOAD_BYTES: usize = 100_000;
const PASSWORD: &str = "elf twigs hum so";

/// Somebody signed in, on a connection that is kept.
struct Visitor {
    http: reqwest::Client,
    url: String,
    cookie: String,
}

impl Visitor {
    async fn sign_in(folder: &Path, url: &str) -> Self {
        let code = run_for_data(folder, &["admin", "link", "ada@example.com", "--data-dir", "data"]);
        let code = code.split_whitespace().find(|word| word.starts_with("pintle_once_")).unwrap().to_owned();
        // Another test may have been first.
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let mut visitor = Self { http, url: url.to_owned(), cookie: String::new() };
        visitor.send("/confirm", &[("code", &code), ("name", "Ada"), ("password", PASSWORD)]).await;
        let answer = visitor.send("/sign-in", &[("email", "ada@example.com"), ("password", PASSWORD)]).await;
        let cookie = answer.headers()[header::SET_COOKIE].to_str().unwrap();
        visitor.cookie = cookie.split(';').next().unwrap().to_owned();
        visitor
    }

    async fn send(&self, path: &str, fields: &[(&str, &str)]) -> reqwest::Response {
        let encoded = reqwest::Url::parse_with_params("http://form.invalid", fields).unwrap();
        let request = self.http.post(format!("{}{path}", self.url)).header("sec-fetch-site", "same-origin");
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let request = request.header(header::COOKIE, &self.cookie);
        request.body(encoded.query().unwrap().to_owned()).send().await.unwrap()
    }

    async fn get(&self, path: &str) -> String {
        let request = self.http.get(format!("{}{path}", self.url)).header(header::COOKIE, &self.cookie);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.text().await.unwrap()
    }

    /// Median in microseconds, and the bytes of the page.
    async fn measure(&self, path: &str) -> (u128, usize) {
        let bytes = self.get(path).await.len();
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let begun = Instant::now();
            self.get(path).await;
            times.push(begun.elapsed().as_micros());
        }
        times.sort_unstable();
        (times[ROUNDS / 2], bytes)
    }

    /// What the first visit of a page loads: itself, and style and scripts as browsers ask for them.
    async fn weigh(&self, path: &str) -> usize {
        let page = self.get(path).await;
        let mut files: Vec<_> = page.split('"').filter(|part| part.starts_with("/assets/")).collect();
        files.sort_unstable();
        files.dedup();
        let mut whole = page.len();
        for file in files {
            let request = self.http.get(format!("{}{file}", self.url)).header(header::ACCEPT_ENCODING, "gzip");
            whole += request.send().await.unwrap().bytes().await.unwrap().len();
        }
        whole
    }
}

/// An organization with a project of many domains, two pins each, released but for the last hundred.
async fn fill(folder: &Path, url: &str) -> (String, String) {
    for arguments in [
        &["login", "--server", url, "--token-file", "token"][..],
        &["orgs", "create", "Acme"],
        &["projects", "create", "shop"],
        &["keys", "generate"],
        &["keys", "register"],
    ] {
        let _said = run(folder, arguments);
    }
    let shown: Value = serde_json::from_str(&run_for_data(folder, &["projects", "show", "--output", "json"])).unwrap();
    let text = |name: &str| shown[name].as_str().unwrap().to_owned();
    let (organization, project) = (text("organization_id"), text("id"));
    let token = ApiToken::parse(fs::read_to_string(folder.join("token")).unwrap().trim()).unwrap();
    let client = Client::new(url, token).unwrap();
    let at = ProjectRef { organization: &organization, project: &project };
    for number in 0..DOMAINS {
        if number == DOMAINS - 100 {
            let _said = run(folder, &["release", "--yes"]);
        }
        let domain: AddDomainRequest = serde_json::from_value(
            serde_json::json!({ "name": format!("host{number}.example.com"), "enforce": "report" }),
        )
        .unwrap();
        let domain = client.add_domain(at, &domain).await.unwrap();
        for pin in 0..2_u8 {
            let mut digest = [pin; 32];
            digest[..8].copy_from_slice(&number.to_le_bytes());
            let request = AddPinRequest {
                pin_type: PinType::SpkiSha256,
                digest: <base64ct::Base64 as base64ct::Encoding>::encode_string(&digest),
                pin_match: PinMatch::Leaf,
                expires_at: None,
                source: PinOrigin::ByHand,
                label: None,
            };
            client.add_pin(at, &domain.id, &request).await.unwrap();
        }
    }
    (organization, project)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "of use in a release build alone: cargo xtask bench pages"]
async fn pages_of_a_project_with_a_thousand_domains_are_quick() {
    if cfg!(debug_assertions) {
        let reason = "SKIPPED: pages_of_a_project_with_a_thousand_domains_are_quick: not a release build\n";
        return std::io::stderr().write_all(reason.as_bytes()).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("pintle.toml"),
        "[guard]\nlook = false\n[monitor]\nenabled = false\n[rate_limits]\naddress_per_minute = 0\n\
         token_per_minute = 0\naccount_per_minute = 0\n",
    )
    .unwrap();
    let (_server, url) = Server::start(folder.path(), &[]);
    let (organization, project) = fill(folder.path(), &url).await;
    let visitor = Visitor::sign_in(folder.path(), &url).await;
    let invited = run_for_data(folder.path(), &["members", "invite", "--role", "owner", "--output", "json"]);
    let invited: Value = serde_json::from_str(&invited).unwrap();
    let code = invited["code"].as_str().unwrap();
    let token = visitor.get("/orgs/join").await;
    let token = token.split("name=\"form_token\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    visitor.send("/orgs/join", &[("code", code), ("form_token", &token)]).await;

    let (organization, project) = (format!("/orgs/{organization}"), format!("/orgs/{organization}/projects/{project}"));
    let domain = visitor.get(&format!("{project}/domains")).await;
    let domain = domain.split("/domains/dom_").nth(1).unwrap().split('"').next().unwrap();
    let domain = format!("{project}/domains/dom_{domain}");
    let mut table = String::from("page                     median ms     bytes\n");
    let mut slow = Vec::new();
    for (name, path) in [
        ("home", "/".to_owned()),
        ("organization", organization.clone()),
        ("members", format!("{organization}/members")),
        ("alerts", format!("{organization}/alerts")),
        ("audit log", format!("{organization}/audit")),
        ("overview", project.clone()),
        ("domains", format!("{project}/domains")),
        ("domain", domain.clone()),
        ("add pins", format!("{domain}/pins")),
        ("draft", format!("{project}/draft")),
        ("releases", format!("{project}/releases")),
        ("release", format!("{project}/releases/1")),
        ("monitor", format!("{project}/monitor")),
        ("key", format!("{project}/key")),
        ("targets", format!("{project}/targets")),
        ("set up", format!("{project}/setup")),
        ("settings", format!("{project}/settings")),
        ("account", "/account".to_owned()),
    ] {
        let (median, bytes) = visitor.measure(&path).await;
        writeln!(table, "{name:<22} {:>9}.{:02} {bytes:>9}", median / 1000, median % 1000 / 10).unwrap();
        if median > MAX_MEDIAN_MICROS {
            slow.push(name);
        }
    }
    let first_load = visitor.weigh("/tools/lookup").await;
    println!("{table}first load of /tools/lookup: {first_load} bytes, style and scripts compressed");
    assert!(first_load < MAX_FIRST_LOAD_BYTES, "{first_load} bytes");
    assert!(slow.is_empty(), "slower than 5 ms: {slow:?}");
}
