//! Single sign-on: the real binary, a real provider (npm `oidc-provider`), and one that forges.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    process::Stdio,
};

use pintle_api::{
    Bearer, BeginSsoRequest, FinishSsoRequest, SessionSecret, SignInRequest, SignInResponse, SsoStep,
    client::{Client, ClientError},
};
use pintle_e2e::oidc::Providers;
use reqwest::{Url, header};

use super::{ADA, PASSWORD, World, command};

/// Nothing listens there: the tests read where a browser is sent, and bring it themselves.
const REDIRECT: &str = "http://127.0.0.1:9/sso/corp";

/// A server that trusts both providers, and the providers.
struct Sso {
    world: World,
    providers: Providers,
}

impl Sso {
    fn new() -> Self {
        let providers = Providers::start();
        let world = World::with(&providers.config());
        Self { world, providers }
    }

    fn anybody(&self) -> Client {
        Client::anonymous(&self.world.url).unwrap()
    }

    async fn begin(&self) -> SsoStep {
        let request = BeginSsoRequest { provider: "corp".into(), redirect_uri: REDIRECT.into() };
        self.anybody().begin_sso(&request).await.unwrap()
    }

    /// The whole way, as `user` of the provider.
    async fn sign_in(&self, user: &str) -> Result<Client, ClientError> {
        let step = self.begin().await;
        let came = open(&step.authorization_url, user).await;
        self.anybody().finish_sso(&answer(&step, &came)).await.map(|done| self.signed_in(done))
    }

    fn signed_in(&self, answer: SignInResponse) -> Client {
        let SignInResponse::Done(signed_in) = answer else { panic!("no second factor is set up") };
        let secret = SessionSecret::parse(signed_in.secret.expose_secret()).unwrap();
        Client::new(&self.world.url, Bearer::Session(secret)).unwrap()
    }
}

/// Opens `url` in a browser that knows nobody, as `user` of the provider; where it is sent back to in the end.
async fn open(url: &str, user: &str) -> Url {
    let http = http();
    let mut cookies = BTreeMap::new();
    let mut url = Url::parse(url).unwrap();
    url.query_pairs_mut().append_pair("login_hint", user);
    for _ in 0..10 {
        let jar: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let page = http.get(url.clone()).header(header::COOKIE, jar.join("; ")).send().await.unwrap();
        for cookie in page.headers().get_all(header::SET_COOKIE) {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            cookies.insert(name.to_owned(), rest.split(';').next().unwrap().to_owned());
        }
        let target = page.headers().get(header::LOCATION).expect("the provider sends on").to_str().unwrap();
        url = url.join(target).unwrap();
        if url.path().starts_with("/sso/") {
            return url;
        }
    }
    panic!("the provider does not send back")
}

fn http() -> reqwest::Client {
    // No TLS is spoken, but the client wants a provider to be there.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

fn parameter(url: &Url, wanted: &str) -> String {
    url.query_pairs().find(|(name, _)| name == wanted).unwrap().1.into_owned()
}

/// What came back from the provider, brought by who began `step`.
fn answer(step: &SsoStep, came: &Url) -> FinishSsoRequest {
    FinishSsoRequest {
        provider: "corp".into(),
        pending: step.pending.clone(),
        state: parameter(came, "state"),
        code: secret(&parameter(came, "code")),
        iss: Some(parameter(came, "iss")),
    }
}

fn secret(text: &str) -> pintle_api::SecretText {
    serde_json::from_value(text.into()).unwrap()
}

fn code<T>(answer: Result<T, ClientError>) -> String {
    answer.err().map_or_else(|| "ok".to_owned(), |error| error.code().to_owned())
}

#[tokio::test]
async fn a_person_signs_in_from_the_terminal() {
    let sso = Sso::new();
    let folder = sso.world.folder.path();
    let mut accounts = Vec::new();
    for _ in 0..2 {
        let arguments = ["login", "--sso", "corp", "--server", &sso.world.url];
        let mut terminal = command(folder, &arguments).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let talk = BufReader::new(terminal.stderr.take().unwrap());
        let url = talk.lines().map(Result::unwrap).find(|line| line.starts_with("http")).unwrap();
        let came = open(&url, "grace").await;
        let mut foreign = came.clone();
        foreign.set_query(Some("code=c&state=of+a+page+of+the+web"));
        assert_eq!(http().get(foreign).send().await.unwrap().status().as_u16(), 404);
        assert_eq!(http().get(came).send().await.unwrap().status().as_u16(), 200);
        assert!(terminal.wait().unwrap().success());
        accounts.push(sso.world.run(&["account", "show"], ""));
    }
    assert_eq!(accounts[0]["id"], accounts[1]["id"], "the same person has the same account");
    assert_eq!((&accounts[0]["name"], &accounts[0]["email"]), (&"GRACE".into(), &"grace@example.com".into()));
    let identity = sso.world.run(&["account", "identities", "list"], "")["identities"][0].clone();
    assert_eq!((&identity["provider"], &identity["issuer"]), (&"corp".into(), &sso.providers.corp.as_str().into()));
    assert_eq!(sso.world.refusal(&["account", "identities", "unlink", "corp"], ""), "last_way_in");
    assert_eq!(sso.world.refusal(&["login", "--sso"], ""), "choice_needed");
}

#[tokio::test]
async fn an_answer_counts_once_for_who_asked_at_the_provider_that_was_asked() {
    let sso = Sso::new();
    let (ours, theirs) = (sso.begin().await, sso.begin().await);
    let (came, theirs_came) =
        (open(&ours.authorization_url, "grace").await, open(&theirs.authorization_url, "eve").await);
    let finish = async |request: FinishSsoRequest| code(sso.anybody().finish_sso(&request).await);
    let mut results = BTreeMap::new();
    // Eve has Grace's browser or terminal bring Eve's answer: Grace would work in Eve's account.
    results.insert("login CSRF", finish(answer(&ours, &theirs_came)).await);
    let request = FinishSsoRequest { provider: "forger".into(), ..answer(&ours, &came) };
    results.insert("mix-up, by the place of arrival", finish(request).await);
    results.insert("first use", finish(answer(&ours, &came)).await);
    results.insert("replayed state and code", finish(answer(&ours, &came)).await);
    let again = open(&ours.authorization_url, "grace").await;
    results.insert("replayed state, fresh code", finish(answer(&ours, &again)).await);

    for (what, iss) in [("mix-up, by iss", Some(sso.providers.forger.clone())), ("no iss where one is promised", None)]
    {
        let step = sso.begin().await;
        let came = open(&step.authorization_url, "grace").await;
        results.insert(what, finish(FinishSsoRequest { iss, ..answer(&step, &came) }).await);
    }
    let step = sso.begin().await;
    let other = step.authorization_url.replace("client_id=pintle", "client_id=somebody-else");
    results.insert("code of another client", finish(answer(&step, &open(&other, "grace").await)).await);
    let step = sso.begin().await;
    let request = FinishSsoRequest { state: step.state.clone(), ..answer(&step, &theirs_came) };
    results.insert("stolen code, by PKCE", finish(request).await);

    let expected = [
        ("login CSRF", "sso_attempt_invalid"),
        ("mix-up, by the place of arrival", "sso_attempt_invalid"),
        ("first use", "ok"),
        ("replayed state and code", "sso_attempt_invalid"),
        ("replayed state, fresh code", "sso_attempt_invalid"),
        ("mix-up, by iss", "sso_refused"),
        ("no iss where one is promised", "sso_refused"),
        ("code of another client", "sso_refused"),
        ("stolen code, by PKCE", "sso_refused"),
    ];
    assert_eq!(results, expected.map(|(what, code)| (what, code.to_owned())).into());
}

#[tokio::test]
async fn forged_tokens_sign_nobody_in() {
    let sso = Sso::new();
    let mut results = BTreeMap::new();
    let expected = BTreeMap::from([
        ("none", "sso_refused"),
        ("hs256-key", "sso_refused"),
        ("hs256-secret", "sso_refused"),
        ("key", "sso_refused"),
        ("altered", "sso_refused"),
        ("expired", "sso_refused"),
        ("old", "sso_refused"),
        ("early", "sso_refused"),
        ("nonce", "sso_refused"),
        ("no-nonce", "sso_refused"),
        ("issuer", "sso_refused"),
        ("audience", "sso_refused"),
        ("audiences", "sso_refused"),
        ("party", "sso_refused"),
        ("redirect", "sso_provider_unavailable"),
        ("endless", "sso_provider_unavailable"),
        ("unverified", "sso_address_unverified"),
        ("silent", "sso_address_unverified"),
        ("honest", "ok"),
    ]);
    for attack in expected.keys() {
        let (provider, redirect_uri) = ("forger".to_owned(), "http://127.0.0.1:9/sso/forger".to_owned());
        let request = BeginSsoRequest { provider: provider.clone(), redirect_uri };
        let step = sso.anybody().begin_sso(&request).await.unwrap();
        let nonce = parameter(&Url::parse(&step.authorization_url).unwrap(), "nonce");
        let request = FinishSsoRequest {
            provider,
            pending: step.pending,
            state: step.state,
            code: secret(&format!("{attack}.{nonce}")),
            iss: Some(sso.providers.forger.clone()),
        };
        results.insert(*attack, code(sso.anybody().finish_sso(&request).await));
    }
    assert_eq!(results, expected.into_iter().map(|(attack, code)| (attack, code.to_owned())).collect());
}

#[tokio::test]
async fn an_address_does_not_take_over_an_account_and_its_owner_links_it() {
    let sso = Sso::new();
    let link = sso.world.run(&["admin", "link", ADA, "--data-dir", "data"], "");
    std::fs::write(sso.world.folder.path().join("code"), link["code"].as_str().unwrap()).unwrap();
    sso.world.run(&["account", "confirm", "--code-file", "code"], PASSWORD);
    assert_eq!(code(sso.sign_in("ada").await), "sso_account_exists");
    assert_eq!(code(sso.sign_in("unverified").await), "sso_address_unverified");

    let request = SignInRequest { email: ADA.into(), password: secret(PASSWORD) };
    let ada = sso.signed_in(sso.anybody().sign_in(&request).await.unwrap());
    let begin = BeginSsoRequest { provider: "corp".into(), redirect_uri: REDIRECT.into() };
    let step = ada.begin_link(&begin).await.unwrap();
    let came = open(&step.authorization_url, "ada").await;
    assert_eq!(code(sso.anybody().finish_sso(&answer(&step, &came)).await), "sso_attempt_invalid", "it is no sign-in");
    let eve = sso.sign_in("eve").await.unwrap();
    assert_eq!(code(eve.finish_link(&answer(&step, &came)).await), "sso_attempt_invalid", "nor is it Eve's");
    let linked = ada.finish_link(&answer(&step, &came)).await.unwrap();
    assert_eq!(linked.email.as_deref(), Some("ada@example.com"));
    let again = sso.sign_in("ada").await.unwrap();
    assert_eq!(again.read_account().await.unwrap().id, ada.read_account().await.unwrap().id);

    let step = eve.begin_link(&begin).await.unwrap();
    let came = open(&step.authorization_url, "ada").await;
    assert_eq!(code(eve.finish_link(&answer(&step, &came)).await), "sso_identity_taken");
    ada.unlink_identity(&linked.id).await.unwrap();
    assert_eq!(code(sso.sign_in("ada").await), "sso_account_exists");
}
