use std::{sync::Arc, time::Duration};

use pintle_core::{
    Code, Mode,
    claims::{Domain, Enforce},
    decide::{PlatformVerdict, Verdict},
};
use pintle_sdk::{
    Authorities, Client, Error, Event, Pintle, fetch_certificate,
    rustls::{PinnedTls, Refusal, Verifier},
};
use pintle_testkit::{
    cdn::{Cdn, Reply},
    certificate::{Authority, SiteCertificate, issuer_pin, leaf_pin},
    project::{Project, domain},
    site::Site,
};
use rustls_pki_types::ServerName;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

use crate::{Recorder, TestEnvironment};

const HOST: &str = "api.example.test";

/// An app, its CDN, a site whose CA the app's platform trusts, and another CA that it trusts as much.
struct World {
    other_root: Authority,
    authority: Authority,
    certificate: SiteCertificate,
    site: Site,
    cdn: Cdn,
    project: Project,
    environment: Arc<TestEnvironment>,
    recorder: Recorder,
    pintle: Pintle,
}

impl World {
    /// The site's own leaf is pinned.
    async fn new() -> Self {
        Self::with(|certificate, _| vec![domain(HOST, vec![leaf_pin(certificate.leaf())])]).await
    }

    async fn with(domains: impl FnOnce(&SiteCertificate, &Authority) -> Vec<Domain>) -> Self {
        Self::with_names(&[HOST], domains).await
    }

    async fn with_names(names: &[&str], domains: impl FnOnce(&SiteCertificate, &Authority) -> Vec<Domain>) -> Self {
        let root = Authority::root("Trusted Root");
        let other_root = Authority::root("Other Trusted Root");
        let authority = root.subordinate("Trusted Intermediate");
        let certificate = authority.issue(names);
        let site = Site::start(&certificate).await;
        let cdn = Cdn::start(Reply::Closed).await;
        let project = Project::new(&[cdn.url()]);
        cdn.set(Reply::File(project.config(1, domains(&certificate, &authority))));
        let trusted = [&root, &other_root].map(|root| root.certificate().clone()).to_vec();
        let (environment, recorder) = (Arc::<TestEnvironment>::default(), Recorder::default());
        let pintle = Pintle::builder(project.bundle())
            .dangerous_allow_http_loopback()
            .connection_authorities(Authorities::Only(trusted))
            .config_authorities(Authorities::Only(Vec::new()))
            .environment(environment.clone())
            .listen(recorder.listener())
            .setup()
            .await
            .unwrap();
        Self { other_root, authority, certificate, site, cdn, project, environment, recorder, pintle }
    }

    fn client(&self) -> Client {
        let address = self.site.address();
        let resolve = move |builder: reqwest::ClientBuilder| {
            builder.no_proxy().resolve(HOST, address).resolve("other.example.test", address)
        };
        self.pintle.client_with(resolve).unwrap()
    }

    fn url(&self, host: &str) -> String {
        format!("https://{host}:{}/", self.site.address().port())
    }

    async fn get(&self, client: &Client) -> Result<String, Error> {
        Ok(client.get(self.url(HOST)).send().await?.text().await?)
    }

    /// Releases a configuration in which `pinned` is the only pin, and has it fetched.
    async fn release(&self, version: u64, pinned: &SiteCertificate) {
        let domains = vec![domain(HOST, vec![leaf_pin(pinned.leaf())])];
        self.cdn.set(Reply::File(self.project.config(version, domains)));
        self.pintle.refresh().await.unwrap();
    }
}

fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> Option<Code> {
    result.unwrap_err().code()
}

#[tokio::test]
async fn a_pinned_site_answers() {
    let world = World::new().await;
    assert_eq!(world.get(&world.client()).await.unwrap(), "ok");
    assert!(world.recorder.any(|event| {
        matches!(event, Event::Connection { decision, .. } if matches!(decision.verdict, Verdict::Pinned { .. }))
    }));
}

#[tokio::test]
async fn a_forged_certificate_of_the_same_trusted_ca_gets_not_one_byte() {
    let world = World::new().await;
    world.site.swap(&world.authority.issue(&[HOST]));
    let client = world.client();
    let posted = client.post(world.url(HOST)).with(|request| request.body("secret")).send().await;
    assert_eq!(code(posted), Some(Code::PinMismatch));
    assert!(world.site.seen().requests.is_empty());
    assert_eq!(world.recorder.codes(), [Code::RetryAfterRefresh, Code::PinMismatch]);
}

#[tokio::test]
async fn a_chain_padded_with_the_pinned_intermediate_is_refused() {
    let world = World::with(|_, authority| vec![domain(HOST, vec![issuer_pin(authority.certificate())])]).await;
    assert_eq!(world.get(&world.client()).await.unwrap(), "ok");
    world.site.swap(&world.other_root.issue(&[HOST]).padded_with(world.authority.certificate()));
    assert_eq!(code(world.get(&world.client()).await), Some(Code::PinMismatch));

    // The one forced refresh of this minute is used up: this is final.
    let refused = connect(&world, &around_gullible(&world)).await.unwrap_err();
    assert_eq!(Refusal::find(&refused).unwrap().code, Code::PinMismatch);
    assert_eq!(world.site.seen().requests.len(), 1);
}

#[tokio::test]
async fn around_another_verifier_leaf_and_issuer_pins_hold() {
    let world = World::with(|_, authority| vec![domain(HOST, vec![issuer_pin(authority.certificate())])]).await;
    let tls = around_gullible(&world);
    connect(&world, &tls).await.unwrap();
    world.release(2, &world.certificate).await;
    connect(&world, &tls).await.unwrap();
    let decision = tls.verifier().check(HOST, &Authority::root("Unknown").issue(&[HOST]).chain);
    assert_eq!(decision.code(), Some(Code::RetryAfterRefresh));
}

#[tokio::test]
async fn strict_refuses_an_unregistered_host_and_permissive_lets_it_pass() {
    let world = World::new().await;
    world.site.swap(&world.authority.issue(&["other.example.test"]));
    let client = world.client();
    let url = world.url("other.example.test");
    assert_eq!(code(client.get(&url).send().await), Some(Code::DomainNotRegistered));
    world.pintle.set_mode(Mode::Permissive);
    assert_eq!(client.get(&url).send().await.unwrap().status(), 200);
    assert!(world.recorder.any(|event| {
        matches!(event, Event::Connection { decision, .. } if decision.verdict == Verdict::NotCovered)
    }));
    // What the platform refuses passes in no mode.
    world.site.swap(&Authority::root("Unknown").issue(&["other.example.test"]));
    world.pintle.set_mode(Mode::Permissive);
    assert_eq!(code(client.get(&url).send().await), Some(Code::PlatformRejected));
}

#[tokio::test]
async fn report_only_lets_pass_and_reports() {
    let world = World::with(|_, authority| {
        let mut domain = domain(HOST, vec![leaf_pin(authority.issue(&[HOST]).leaf())]);
        domain.enforce = Enforce::Report;
        vec![domain]
    })
    .await;
    assert_eq!(world.get(&world.client()).await.unwrap(), "ok");
    assert!(world.recorder.any(|event| {
        matches!(event, Event::Connection { decision, .. }
            if matches!(decision.verdict, Verdict::Reported { violation: Code::PinMismatch, .. }))
    }));
}

#[tokio::test]
async fn no_pooled_connection_outlives_a_revoked_pin() {
    let world = World::new().await;
    let client = world.client();
    for _ in 0..3 {
        world.get(&client).await.unwrap();
    }
    assert_eq!(world.site.seen().connections, 1, "pooled while trust lasts");
    world.release(2, &world.authority.issue(&[HOST])).await;
    assert_eq!(code(world.get(&client).await), Some(Code::PinMismatch));
    assert_eq!(world.site.seen().requests.len(), 3);
}

#[tokio::test]
async fn no_redirect_reaches_a_connection_of_before() {
    let world = World::new().await;
    let client = world.client();
    world.site.redirect_to(world.url(HOST));
    world.site.hold(true);
    let url = world.url(HOST);
    let request = tokio::spawn({
        let client = client.clone();
        async move { client.get(url).send().await }
    });
    world.site.wait_for_requests(1).await;
    world.release(2, &world.authority.issue(&[HOST])).await;
    world.site.hold(false);
    assert_eq!(code(request.await.unwrap()), Some(Code::RetryAfterRefresh));
    assert_eq!(world.site.seen().requests.len(), 1);
}

#[tokio::test]
async fn a_request_that_a_server_has_acted_on_is_not_repeated() {
    let other = "other.example.test";
    let world = World::with(|certificate, authority| {
        let elsewhere = authority.issue(&[other]);
        vec![domain(HOST, vec![leaf_pin(certificate.leaf())]), domain(other, vec![leaf_pin(elsewhere.leaf())])]
    })
    .await;
    let client = world.client();
    world.get(&client).await.unwrap();
    let both = world.authority.issue(&[HOST, other]);
    world.site.swap(&both);
    world.site.redirect_to(world.url(other));
    let posted = client.post(world.url(HOST)).with(|request| request.body("pay")).send().await;
    assert_eq!(code(posted), Some(Code::RetryAfterRefresh));
    assert_eq!(world.site.seen().requests.len(), 2);
}

#[tokio::test]
async fn no_resumed_session_outlives_a_revoked_pin() {
    sessions_end_with_their_pin(World::new().await).await;
}

#[tokio::test]
async fn no_resumed_tls12_session_outlives_a_revoked_pin() {
    let mut world = World::new().await;
    world.site = Site::start_tls12(&world.certificate).await;
    sessions_end_with_their_pin(world).await;
}

async fn sessions_end_with_their_pin(world: World) {
    let tls = world.pintle.tls();
    for _ in 0..2 {
        connect(&world, tls).await.unwrap();
    }
    assert_eq!(world.site.seen().resumed, 1, "resumed while trust lasts");

    let old_config = tls.config().unwrap();
    world.release(2, &world.authority.issue(&[HOST])).await;
    // Neither by the configuration of the new generation, nor by one that an app kept.
    for config in [tls.config().unwrap(), old_config] {
        let refused = connect_with(&world, config).await.unwrap_err();
        assert!(Refusal::find(&refused).is_some(), "{refused:?}");
    }
    assert_eq!(world.site.seen().resumed, 1);
}

#[tokio::test]
async fn a_rotation_is_rescued_by_a_forced_refresh() {
    let world = World::new().await;
    let client = world.client();
    world.get(&client).await.unwrap();
    let next = world.authority.issue(&[HOST]);
    world.site.swap(&next);
    let domains = vec![domain(HOST, vec![leaf_pin(next.leaf())])];
    world.cdn.set(Reply::File(world.project.config(2, domains)));
    // A new client has no connection of before the rotation to go on with.
    assert_eq!(world.get(&world.client()).await.unwrap(), "ok");
    assert_eq!(world.cdn.requests().last().unwrap().header("cache-control"), Some("no-cache"));
}

#[tokio::test]
async fn a_forger_cannot_make_an_app_ask_more_than_once_a_minute() {
    let world = World::new().await;
    world.site.swap(&world.authority.issue(&[HOST]));
    let client = world.client();
    let asked = world.cdn.requests().len();
    for _ in 0..5 {
        assert_eq!(code(world.get(&client).await), Some(Code::PinMismatch));
    }
    assert_eq!(world.cdn.requests().len(), asked + 1);
    world.environment.clock.advance(Duration::from_secs(60));
    assert_eq!(code(world.get(&client).await), Some(Code::PinMismatch));
    assert_eq!(world.cdn.requests().len(), asked + 2);
}

#[tokio::test]
async fn addresses_are_hosts_too() {
    let world = World::with_names(&["127.0.0.1"], |certificate, _| {
        vec![domain("127.0.0.1", vec![leaf_pin(certificate.leaf())])]
    })
    .await;
    let client = world.client();
    assert_eq!(client.get(world.url("127.0.0.1")).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_panic_of_ours_is_a_refusal() {
    let world = World::new().await;
    world.environment.panic_when_asked_for_the_time();
    let chain = &world.certificate.chain;
    let decision = world.pintle.check(HOST, chain, PlatformVerdict::Accepted).await;
    assert_eq!(decision.code(), Some(Code::InternalError));
    assert!(world.recorder.codes().contains(&Code::InternalError));
}

#[tokio::test]
async fn a_renewal_that_keeps_the_key_goes_unnoticed() {
    let world = World::new().await;
    world.site.swap(&world.authority.renew(&[HOST], &world.certificate));
    assert_eq!(world.get(&world.client()).await.unwrap(), "ok");
}

#[tokio::test]
async fn a_request_without_tls_is_not_sent() {
    let world = World::new().await;
    let url = format!("http://{HOST}:{}/", world.site.address().port());
    assert!(matches!(world.client().get(url).send().await, Err(Error::Http(_))));
    assert_eq!(world.site.seen().connections, 0);
}

#[tokio::test]
async fn any_other_stack_gets_the_same_decision() {
    let world = World::new().await;
    let chain = fetch_certificate(HOST, Some(world.site.address())).await.unwrap();
    assert_eq!(chain, world.certificate.chain);
    let allowed = world.pintle.check(HOST, &chain, PlatformVerdict::Accepted).await;
    assert!(matches!(allowed.verdict, Verdict::Pinned { position: 0, .. }));
    let unknown = world.pintle.check(HOST, &chain, PlatformVerdict::Unknown).await;
    assert_eq!(unknown.code(), Some(Code::PlatformRejected));
    let forged = world.authority.issue(&[HOST]).chain;
    let refused = world.pintle.check(HOST, &forged, PlatformVerdict::Accepted).await;
    assert_eq!(refused.code(), Some(Code::PinMismatch));
}

#[tokio::test]
async fn a_probe_decides_like_an_app_and_sends_nothing() {
    let world = World::new().await;
    let address = Some(world.site.address());
    let probe = world.pintle.probe(HOST, address).await.unwrap();
    assert!(probe.decision.is_allowed());
    world.site.swap(&world.authority.issue(&[HOST]));
    let probe = world.pintle.probe(HOST, address).await.unwrap();
    assert_eq!(probe.decision.code(), Some(Code::PinMismatch));
    assert!(world.site.seen().requests.is_empty());
    let nowhere = world.pintle.probe(HOST, Some(([127, 0, 0, 1], 1).into())).await;
    assert!(matches!(nowhere, Err(Error::Unreachable { .. })));
}

#[tokio::test]
async fn outages_of_the_cdn_stop_no_connection() {
    let world = World::new().await;
    world.cdn.set(Reply::Closed);
    world.environment.clock.advance(Duration::from_secs(86_400));
    assert!(world.pintle.refresh().await.is_err());
    assert_eq!(world.get(&world.client()).await.unwrap(), "ok");
}

/// Connects by `tls`, sends a request, and reads until a ticket must have come.
async fn connect(world: &World, tls: &PinnedTls) -> std::io::Result<()> {
    connect_with(world, tls.config().unwrap()).await
}

async fn connect_with(world: &World, config: Arc<rustls::ClientConfig>) -> std::io::Result<()> {
    let mut config = rustls::ClientConfig::clone(&config);
    config.alpn_protocols.clear();
    let stream = TcpStream::connect(world.site.address()).await?;
    let name = ServerName::try_from(HOST).unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"ok") {
        answer.push(stream.read_u8().await?);
    }
    Ok(())
}

/// TLS on a platform that believes everything.
fn around_gullible(world: &World) -> PinnedTls {
    let engine = world.pintle.engine();
    PinnedTls::new(engine.clone(), Arc::new(Verifier::wrapping(engine.clone(), Arc::new(Gullible))))
}

/// A platform that believes everything.
#[derive(Debug)]
pub(crate) struct Gullible;

impl rustls::client::danger::ServerCertVerifier for Gullible {
    fn verify_server_cert(
        &self,
        _end_entity: &rustls_pki_types::CertificateDer<'_>,
        _intermediates: &[rustls_pki_types::CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: rustls_pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        Ok(rustls::client::danger::ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &rustls_pki_types::CertificateDer<'_>,
        _dss: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("not asked".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &rustls_pki_types::CertificateDer<'_>,
        _dss: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("not asked".to_owned()))
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        Vec::new()
    }
}
