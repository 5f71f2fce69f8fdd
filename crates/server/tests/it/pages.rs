//! The dashboard without a browser: sessions, forms from elsewhere, headers, who sees what.

use pintle_api::client::Client;
use reqwest::{RequestBuilder, Response, StatusCode, header, redirect::Policy};

use crate::{
    accounts::{ADA, PASSWORD, add_ada, sign_in},
    support::Server,
};

/// A browser that follows nothing by itself.
pub(crate) struct Browser {
    http: reqwest::Client,
    origin: String,
    cookie: String,
}

impl Browser {
    fn stranger(server: &Server) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
        Self { http, origin: server.url.clone(), cookie: String::new() }
    }

    pub(crate) async fn signed_in(server: &Server) -> Self {
        add_ada(server).await;
        let browser = Self::stranger(server);
        let answer = browser.send("/sign-in", &[("email", ADA), ("password", PASSWORD)]).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{}", answer.text().await.unwrap());
        let cookie = answer.headers()[header::SET_COOKIE].to_str().unwrap();
        assert!(cookie.ends_with("; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax"), "{cookie}");
        Self { cookie: cookie.split(';').next().unwrap().to_owned(), ..browser }
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        let request = self.http.get(format!("{}{path}", self.origin)).header(header::COOKIE, &self.cookie);
        request.header(header::ACCEPT, "text/html").send().await.unwrap()
    }

    pub(crate) async fn read(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.text().await.unwrap()
    }

    /// The token that forms of the session carry.
    pub(crate) async fn token(&self) -> String {
        let page = self.read("/orgs/new").await;
        page.split("name=\"form_token\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
    }

    fn post(&self, path: &str, media_type: &str, body: String) -> RequestBuilder {
        let request = self.http.post(format!("{}{path}", self.origin)).header(header::COOKIE, &self.cookie);
        request.header(header::CONTENT_TYPE, media_type).body(body)
    }

    fn form(&self, path: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        let encoded = reqwest::Url::parse_with_params("http://form.invalid", fields).unwrap();
        self.post(path, "application/x-www-form-urlencoded", encoded.query().unwrap_or_default().to_owned())
    }

    /// As a browser sends the form of a page of ours.
    pub(crate) async fn send(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        self.form(path, fields).header("sec-fetch-site", "same-origin").send().await.unwrap()
    }

    /// The same, with a body of its own.
    pub(crate) async fn send_body(&self, path: &str, media_type: &str, body: String) -> Response {
        self.post(path, media_type, body).header("sec-fetch-site", "same-origin").send().await.unwrap()
    }
}

async fn says(answer: Response) -> (StatusCode, String) {
    (answer.status(), answer.text().await.unwrap())
}

#[tokio::test]
async fn a_page_holds_the_browser_to_our_own_files() {
    let server = Server::start().await;
    let answer = Browser::stranger(&server).get("/").await;
    let headers = answer.headers().clone();
    let header = |name: &str| headers[name].to_str().unwrap();
    let page = answer.text().await.unwrap();
    let policy = header("content-security-policy");
    let nonce = policy.split("script-src 'nonce-").nth(1).unwrap().split('\'').next().unwrap();
    for directive in [
        "default-src 'none'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    ] {
        assert!(policy.contains(directive), "{policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
    assert!(page.contains(&format!("nonce=\"{nonce}\"")));
    assert_ne!(page, Browser::stranger(&server).read("/").await, "every page has its own nonce");
    assert_eq!((header("x-frame-options"), header("referrer-policy")), ("DENY", "same-origin"));
    assert_eq!((header("cross-origin-opener-policy"), header("cache-control")), ("same-origin", "no-store"));
    server.stop().await;
}

#[tokio::test]
async fn a_form_of_another_origin_or_session_is_refused() {
    let server = Server::start().await;
    let ada = Browser::signed_in(&server).await;
    let token = ada.token().await;
    let name = [("name", "Acme"), ("form_token", token.as_str())];
    for (header, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ] {
        let (status, page) = says(ada.form("/orgs/new", &name).header(header, value).send().await.unwrap()).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{header}: {value}");
        assert!(page.contains("form_foreign"));
    }
    let (status, page) = says(ada.form("/orgs/new", &name).send().await.unwrap()).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "who hides where a form comes from");
    assert!(page.contains("form_foreign"));
    for wrong in [&[("name", "Acme")][..], &[("name", "Acme"), ("form_token", "00000000000000000000000000000000")]] {
        let (status, page) = says(ada.send("/orgs/new", wrong).await).await;
        assert_eq!(status, StatusCode::FORBIDDEN);
        assert!(page.contains("form_stale"));
    }
    assert!(ada.read("/").await.contains("Begin with an organization"), "nothing came of any of them");
    assert_eq!(ada.send("/orgs/new", &name).await.status(), StatusCode::SEE_OTHER);
    server.stop().await;
}

#[tokio::test]
async fn a_stranger_sees_no_more_than_what_is_not_there() {
    let server = Server::start().await;
    let project = server.add_project().await;
    let ada = Browser::signed_in(&server).await;
    let own = format!("/orgs/{}/projects/{}", project.organization, project.project);
    let elsewhere = "/orgs/org_01jd0000000000000000000000/projects/prj_01jd0000000000000000000000";
    for page in ["", "/domains", "/draft", "/releases", "/settings", "/delete"] {
        let (status, theirs) = says(ada.get(&format!("{own}{page}")).await).await;
        let (_, nobodys) = says(ada.get(&format!("{elsewhere}{page}")).await).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{page}");
        let without_nonce = |page: String| {
            page.split("nonce=\"").map(|part| part.get(23..).unwrap_or(part).to_owned()).collect::<String>()
        };
        assert_eq!(without_nonce(theirs), without_nonce(nobodys));
    }
    let (status, _) = says(Browser::stranger(&server).get(&own).await).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "whoever is not signed in is asked to be");
    let token = ada.token().await;
    let (status, _) = says(ada.send(&format!("{own}/release"), &[("form_token", &token)]).await).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    server.stop().await;
}

#[tokio::test]
async fn an_ended_session_is_nobodys() {
    let server = Server::start().await;
    let ada = Browser::signed_in(&server).await;
    assert_eq!(ada.get("/sign-in").await.status(), StatusCode::SEE_OTHER, "signed in already");
    let token = ada.token().await;
    assert_eq!(ada.send("/sign-out", &[("form_token", &token)]).await.status(), StatusCode::SEE_OTHER);
    let answer = ada.get("/account?done=changed").await;
    assert_eq!(answer.headers()[header::LOCATION], "/sign-in?next=/account%3Fdone%3Dchanged");
    assert!(answer.headers()[header::SET_COOKIE].to_str().unwrap().starts_with("pintle=; Path=/; Max-Age=0"));
    // Nor does an API token open pages.
    let api = Browser { cookie: format!("pintle={}", server.token.expose_secret()), ..ada };
    assert_eq!(api.get("/account").await.status(), StatusCode::SEE_OTHER);
    server.stop().await;
}

#[tokio::test]
async fn what_was_typed_comes_back_as_text_with_the_reason_beside_it() {
    let server = Server::start().await;
    let ada = Browser::signed_in(&server).await;
    let (token, name) = (ada.token().await, format!("\"><script>alert(1)</script>{}", "x".repeat(100)));
    let (status, page) = says(ada.send("/orgs/new", &[("name", &name), ("form_token", &token)]).await).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("aria-invalid=\"true\"") && page.contains("id=\"name-wrong\""), "{page}");
    assert!(page.contains("&#34;&#62;&#60;script&#62;alert(1)") && !page.contains("<script>alert"));
    server.stop().await;
}

#[tokio::test]
async fn a_way_back_leads_nowhere_else() {
    let server = Server::start().await;
    add_ada(&server).await;
    let fields = |next| [("email", ADA), ("password", PASSWORD), ("next", next)];
    for (next, expected) in
        [("/account", "/account"), ("//evil.example", "/"), ("https://evil.example", "/"), ("/\\evil.example", "/")]
    {
        let answer = Browser::stranger(&server).send("/sign-in", &fields(next)).await;
        assert_eq!(answer.headers()[header::LOCATION], expected, "{next}");
    }
    server.stop().await;
}

#[tokio::test]
async fn the_dashboard_has_a_door_of_its_own_or_none() {
    let server = Server::start_changed(|config| config.pages.enabled = false).await;
    let (status, answer) = says(Browser::stranger(&server).get("/sign-in").await).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(answer.contains("route_not_found"));
    sign_in(&add_ada(&server).await, &server).await.whoami().await.unwrap();
    server.stop().await;

    let server = Server::start_changed(|config| {
        config.pages.listen = Some("127.0.0.1:0".parse().unwrap());
        config.pages.security_contact = Some("mailto:security@example.com".to_owned());
    })
    .await;
    assert_eq!(Browser::stranger(&server).get("/sign-in").await.status(), StatusCode::NOT_FOUND);
    let origin = format!("http://{}", server.pages_address.unwrap());
    let office = Browser { origin, ..Browser::stranger(&server) };
    assert!(office.read("/sign-in").await.contains("Sign in"));
    assert!(office.read("/.well-known/security.txt").await.contains("Contact: mailto:security@example.com\nExpires: "));
    assert_eq!(office.get("/api/v1/whoami").await.status(), StatusCode::NOT_FOUND, "and nothing else is behind it");
    server.stop().await;
}

#[tokio::test]
async fn pages_and_api_are_one_person() {
    let server = Server::start().await;
    let ada = Browser::signed_in(&server).await;
    let token = ada.token().await;
    ada.send("/orgs/new", &[("name", "Acme"), ("form_token", &token)]).await;
    let api: Client = sign_in(&Client::anonymous(&server.url).unwrap(), &server).await;
    let organizations = api.list_organizations().all().await.unwrap();
    assert_eq!(organizations.iter().map(|found| found.name.as_str()).collect::<Vec<_>>(), ["Acme"]);
    server.stop().await;
}

/// The token of the session is read where a form is: whoever adds a form without it, adds a hole. Read out of the sources, so
/// that none can be added in silence.
#[test]
fn whatever_takes_a_form_asks_for_its_token() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/pages");
    let mut forms = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let source = std::fs::read_to_string(file.unwrap().path()).unwrap();
        for name in source.split("post(").skip(1).filter_map(|rest| rest.split_once(')')).map(|(name, _)| name) {
            let Some((_, rest)) = source.split_once(&format!("async fn {name}(")) else { continue };
            let (signature, _) = rest.split_once("->").unwrap();
            // Begins a sign-in: there is no session yet.
            let is_before = name == "begin_sign_in";
            assert!(is_before || signature.contains("Submitted {"), "{name} takes a form of whatever session");
            forms += 1;
        }
    }
    assert!(forms > 50, "the forms are not where this test looks: {forms}");
}

#[tokio::test]
async fn public_tools_are_limited_and_can_be_off() {
    let server = Server::start_changed(|config| {
        config.decode.address_per_minute = 2;
        config.lookup.enabled = false;
    })
    .await;
    let stranger = Browser::stranger(&server);
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(stranger.send("/tools/decode", &[("jws", "a.b.c")]).await.status().as_u16());
    }
    assert_eq!(statuses, [200, 200, 429]);
    assert!(
        stranger
            .read("/tools/lookup?host=api.example.com")
            .await
            .contains("This installation looks up no certificates")
    );
    server.stop().await;
    let server = Server::start_changed(|config| {
        config.decode.enabled = false;
        config.lookup.address_per_minute = 1;
    })
    .await;
    let stranger = Browser::stranger(&server);
    let ask = async |query: &str| stranger.get(&format!("/tools/lookup?{query}=127.0.0.1")).await.status().as_u16();
    assert_eq!((ask("host").await, ask("host").await, ask("h%6Fst").await), (200, 429, 429));
    assert_eq!(stranger.get("/tools/lookup").await.status(), StatusCode::OK, "a page without a question is no look");
    let (_, page) = says(Browser::stranger(&server).send("/tools/decode", &[("jws", "a.b.c")]).await).await;
    assert!(page.contains("decode_off"), "{page}");
    server.stop().await;
}

/// Whoever is signed in: a link of another site comes with the cookie, and would have the server look.
#[tokio::test]
async fn every_page_that_looks_at_other_servers_is_counted() {
    let server = Server::start_changed(|config| config.lookup.address_per_minute = 1).await;
    let ada = Browser::signed_in(&server).await;
    let token = ada.token().await;
    let made = async |path: &str, fields: &[(&str, &str)]| {
        let fields: Vec<_> = fields.iter().copied().chain([("form_token", token.as_str())]).collect();
        let answer = ada.send(path, &fields).await;
        answer.headers()[header::LOCATION].to_str().unwrap().split('?').next().unwrap().to_owned()
    };
    let organization = made("/orgs/new", &[("name", "Acme")]).await;
    let fields = [("name", "App"), ("environment", "test")];
    let project = made(&format!("{organization}/projects/new"), &fields).await;
    let ask = async |query: &str| ada.get(&format!("{project}/draft{query}")).await.status().as_u16();
    assert_eq!((ask("?guard=1").await, ask("?guard=1").await, ask("?gu%61rd=").await), (200, 429, 429));
    assert_eq!((ask("").await, ask("?find=guard").await), (200, 200), "a page without a question is no look");
    server.stop().await;
}
