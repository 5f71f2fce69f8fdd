//! `pintle demo`: the whole road, walked once on this machine in a temporary folder, offline.
//!
//! Every line it prints is a thing that just happened; nothing is staged but the attacks.

mod app;
mod cdn;
mod server;
mod site;
mod stage;
mod team;

use pintle_api::{FindingCode, client::ClientError};
use pintle_cli::{ExitStatus, Failure, Format};
use pintle_core::{
    Code, Mode,
    decide::Verdict,
    root::{IdError, SetupError, UrlError},
};
use pintle_sdk::{Event, FetchError};
use pintle_server::ServerError;
use pintle_sign::{KeyFileError, SignError, Signer, SigningKey};
use rcgen::{KeyPair, PublicKeyData};

use self::{
    app::{App, Outcome},
    cdn::Cdn,
    server::Server,
    site::{Authority, DemoSiteError, Site},
    stage::Stage,
    team::Team,
};

/// What an app asks for, and where; nothing of it exists outside this machine.
const HOST: &str = "shop.example";
const UNREGISTERED_HOST: &str = "news.example";
/// What the guard can reach without a name server.
const GUARDED_HOST: &str = "127.0.0.1";

/// The demo could not go on; what it had shown until then stays true.
#[derive(Debug, thiserror::Error)]
enum DemoError {
    #[error("the server did not start: {0}")]
    Server(#[from] ServerError),
    #[error("the server ended before its time")]
    ServerEnded,
    #[error("the API refused: {0}")]
    Api(#[from] ClientError),
    #[error(transparent)]
    Key(#[from] KeyFileError),
    #[error(transparent)]
    Sign(#[from] SignError),
    #[error(transparent)]
    Site(#[from] DemoSiteError),
    #[error(transparent)]
    Certificate(#[from] rcgen::Error),
    #[error(transparent)]
    Root(#[from] SetupError),
    #[error(transparent)]
    Url(#[from] UrlError),
    #[error(transparent)]
    Id(#[from] IdError),
    #[error("the app could not be set up: {0}")]
    App(#[from] pintle_sdk::Error),
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error("the server prepared claims that are not base64")]
    Claims,
    #[error("release {version} did not become live")]
    NotLive { version: u64 },
}

/// Walks the road and says how it went.
pub(crate) fn run() -> ExitStatus {
    let walked = tokio::runtime::Runtime::new().map_err(DemoError::Io).and_then(|runtime| runtime.block_on(walk()));
    match walked {
        Ok(true) => ExitStatus::Success,
        Ok(false) => ExitStatus::Failed,
        Err(error) => {
            let hint = Some("the demo needs a writable temporary folder and free ports on 127.0.0.1".to_owned());
            Failure { code: "demo_failed".into(), message: error.to_string(), hint }.report(Format::Text);
            ExitStatus::Failed
        }
    }
}

/// Whether everything happened as promised.
async fn walk() -> Result<bool, DemoError> {
    let mut stage = Stage::open();
    stage.say("Pintle demo: everything on 127.0.0.1, in a temporary folder, offline.");
    let folder = tempfile::tempdir()?;

    stage.heading("The team");
    let authority = Authority::make("Demo Platform CA")?;
    let guarded = Guarded::start(&authority).await?;
    let ca_file = folder.path().join("ca.der");
    std::fs::write(&ca_file, authority.certificate())?;
    let server = Server::start(&folder.path().join("server"), guarded.site.address(), ca_file).await?;
    stage.promise("server started: API and CDN origin", true, server.address());
    let cdn = Cdn::start(server.origin_url()).await?;
    let team = Team::found(server.client(), "acme").await?;
    stage.promise("project made; signing key never sent", true, "ES256");

    let keys = Keys { today: KeyPair::generate()?, next: KeyPair::generate()? };
    let site = Site::start(authority.issue(HOST, &keys.today)?).await?;
    stage.promise("an HTTPS site started, with its own CA", true, site.address());
    let domain = team.add_domain(HOST).await?;
    team.add_pin(&domain, &keys.today.subject_public_key_info(), "today").await?;
    team.add_pin(&domain, SigningKey::generate()?.public_key().spki_der().as_slice(), "backup").await?;
    let first = team.release().await?;
    stage.promise("key and backup pinned, signed, live", first == 1, format!("release {first}"));

    let world = World { folder, server, cdn, team, domain, authority, keys, site, guarded };
    let app = meet(&mut stage, &world).await?;
    forge(&mut stage, &world, &app).await?;
    go_elsewhere(&mut stage, &world, &app).await?;
    make_a_mistake(&mut stage, &world).await?;
    rotate(&mut stage, &world, &app).await?;
    take_over_cdn(&mut stage, &world, &app).await?;
    switch_off(&mut stage, world, app).await?;
    Ok(stage.close())
}

/// Everything on the stage but the app.
struct World {
    folder: tempfile::TempDir,
    server: Server,
    cdn: Cdn,
    team: Team,
    /// Id of the staged entry for [`HOST`].
    domain: String,
    authority: Authority,
    keys: Keys,
    site: Site,
    guarded: Guarded,
}

/// A site that the server's guard looks at.
struct Guarded {
    key: KeyPair,
    site: Site,
}

impl Guarded {
    async fn start(authority: &Authority) -> Result<Self, DemoError> {
        let key = KeyPair::generate()?;
        let site = Site::start(authority.issue(GUARDED_HOST, &key)?).await?;
        Ok(Self { key, site })
    }
}

/// The site's keys.
struct Keys {
    today: KeyPair,
    next: KeyPair,
}

impl World {
    async fn start_app(&self, mode: Mode, storage: &str) -> Result<App, DemoError> {
        let root = self.team.root(&self.cdn.url())?;
        App::start(&root, mode, self.authority.certificate(), &self.folder.path().join(storage)).await
    }
}

async fn meet(stage: &mut Stage, world: &World) -> Result<App, DemoError> {
    stage.heading("An app meets its server (strict mode)");
    let app = world.start_app(Mode::Strict, "app").await?;
    stage.promise("configuration fetched, verified, stored", app.release() == Some(1), release(&app));
    let outcome = app.request(HOST, world.site.address()).await?;
    stage.promise("the true server is accepted", outcome.is_welcome(), outcome);
    Ok(app)
}

async fn forge(stage: &mut Stage, world: &World, app: &App) -> Result<(), DemoError> {
    stage.heading("A certificate forged by the same trusted CA, and a spoofed name");
    let forger = Site::start(world.authority.issue(HOST, &KeyPair::generate()?)?).await?;
    let fooled = unpinned_request(world, &forger).await;
    let stolen = forger.received_bytes();
    stage.promise("without pins, a client is fooled", fooled && stolen > 0, format!("{stolen} bytes leaked"));
    let outcome = app.request(HOST, forger.address()).await?;
    stage.promise("with pins, it is refused", outcome == Outcome::Refused(Code::PinMismatch), outcome);
    let leaked = forger.received_bytes() - stolen;
    stage.promise("no byte of the request reached the forger", leaked == 0, format!("{leaked} bytes leaked"));
    Ok(())
}

/// What an app without Pintle does: ask the platform's CA alone.
async fn unpinned_request(world: &World, site: &Site) -> bool {
    let Ok(ca) = reqwest::Certificate::from_der(world.authority.certificate()) else { return false };
    let client = reqwest::Client::builder().tls_certs_only([ca]).no_proxy().resolve(HOST, site.address()).build();
    let Ok(client) = client else { return false };
    client.get(format!("https://{HOST}/")).send().await.is_ok_and(|response| response.status().is_success())
}

async fn go_elsewhere(stage: &mut Stage, world: &World, strict: &App) -> Result<(), DemoError> {
    stage.heading("A host nobody registered");
    let elsewhere = Site::start(world.authority.issue(UNREGISTERED_HOST, &KeyPair::generate()?)?).await?;
    let outcome = strict.request(UNREGISTERED_HOST, elsewhere.address()).await?;
    let refused = outcome == Outcome::Refused(Code::DomainNotRegistered);
    stage.promise("strict mode refuses it", refused, outcome);
    let permissive = world.start_app(Mode::Permissive, "permissive-app").await?;
    let outcome = permissive.request(UNREGISTERED_HOST, elsewhere.address()).await?;
    let logged = permissive.heard(|event| {
        matches!(event, Event::Connection { host, decision, .. } if host == UNREGISTERED_HOST
            && decision.verdict == Verdict::NotCovered)
    });
    let passed = outcome.is_welcome();
    stage.promise("permissive mode lets it pass and says so", passed && logged, outcome);
    Ok(())
}

/// A mistake in a draft, which would reach every user with the next refresh.
async fn make_a_mistake(stage: &mut Stage, world: &World) -> Result<(), DemoError> {
    stage.heading("Somebody pins the wrong key");
    let team = Team::found(world.server.client(), "hasty").await?;
    let domain = team.add_watched_domain(GUARDED_HOST, vec![world.guarded.site.address().to_string()]).await?;
    team.add_pin(&domain, &KeyPair::generate()?.subject_public_key_info(), "wrong").await?;
    let found = team.ask_guard(None).await?;
    let refused = found == Some(FindingCode::WouldRefuse);
    stage.promise("the guard looks and refuses before signing", refused, found.map_or("nothing", FindingCode::as_str));
    let reason = "the server moves to that key tonight";
    let found = team.ask_guard(Some(reason)).await?;
    stage.promise("an owner may override it, with a reason", found.is_none(), "audited, in history");
    team.add_pin(&domain, &world.guarded.key.subject_public_key_info(), "served").await?;
    let found = team.ask_guard(None).await?;
    stage.promise("with the served key pinned, it may pass", found.is_none(), "prepared");
    Ok(())
}

async fn rotate(stage: &mut Stage, world: &World, app: &App) -> Result<(), DemoError> {
    stage.heading("The site changes its key; the app keeps running");
    world.team.add_pin(&world.domain, &world.keys.next.subject_public_key_info(), "next").await?;
    let second = world.team.release().await?;
    stage.promise("next key pinned before it is in use", second == 2, format!("release {second}"));
    let refreshed = app.refresh().await.is_ok() && app.release() == Some(2);
    stage.promise("the app has it without a restart", refreshed, "asked now, not in 10 min");
    world.site.change_certificate(world.authority.issue(HOST, &world.keys.next)?);
    let outcome = app.request(HOST, world.site.address()).await?;
    stage.promise("the new certificate is accepted", outcome.is_welcome(), outcome);
    Ok(())
}

async fn take_over_cdn(stage: &mut Stage, world: &World, app: &App) -> Result<(), DemoError> {
    stage.heading("Somebody takes over the CDN");
    let genuine = world.cdn.fetch(&world.team.path("pins.jws")).await?;
    let other = Team::found(world.server.client(), "other").await?;
    let domain = other.add_domain(HOST).await?;
    other.add_pin(&domain, &world.keys.next.subject_public_key_info(), "next").await?;
    other.release().await?;
    let foreign = world.cdn.fetch(&other.path("pins.jws")).await?;
    let older = world.cdn.fetch(&world.team.path("releases/1.jws")).await?;
    for (promise, served, expected) in [
        ("a tampered configuration is refused", tampered(&genuine), Code::ConfigSignatureInvalid),
        ("another project's configuration: refused", foreign, Code::ConfigKeyUnknown),
        ("a rolled-back configuration is refused", older, Code::ConfigRollback),
    ] {
        world.cdn.take_over(served);
        let observed = app.refresh().await.err().and_then(code_of);
        stage.promise(promise, observed == Some(expected) && app.release() == Some(2), told(observed));
    }
    world.cdn.give_back();
    let outcome = app.request(HOST, world.site.address()).await?;
    stage.promise("meanwhile the app goes on", outcome.is_welcome(), outcome);
    Ok(())
}

/// The same file with one character of its claims changed.
fn tampered(genuine: &[u8]) -> Vec<u8> {
    let mut bytes = genuine.to_vec();
    let claims = bytes.iter().position(|byte| *byte == b'.').map_or(0, |dot| dot + 20);
    if let Some(byte) = bytes.get_mut(claims) {
        *byte = if *byte == b'A' { b'B' } else { b'A' };
    }
    bytes
}

/// The release in force, in words.
fn release(app: &App) -> String {
    app.release().map_or_else(|| "no release".into(), |version| format!("release {version}"))
}

/// What a refresh ended with, in words.
fn told(code: Option<Code>) -> &'static str {
    code.map_or("accepted", Code::as_str)
}

fn code_of(error: FetchError) -> Option<Code> {
    pintle_sdk::Error::Fetch(error).code()
}

async fn switch_off(stage: &mut Stage, world: World, app: App) -> Result<(), DemoError> {
    stage.heading("Server and CDN go down");
    let root = world.team.root(&world.cdn.url())?;
    let World { folder, server, cdn, authority, site, .. } = world;
    server.stop().await?;
    drop(cdn);
    let observed = app.refresh().await.err().and_then(code_of);
    stage.promise("both are gone", observed == Some(Code::FetchFailed), told(observed));
    let outcome = app.request(HOST, site.address()).await?;
    stage.promise("the app goes on", outcome.is_welcome(), outcome);
    drop(app);
    let app = App::start(&root, Mode::Strict, authority.certificate(), &folder.path().join("app")).await?;
    let outcome = app.request(HOST, site.address()).await?;
    let restarted = app.release() == Some(2) && outcome.is_welcome();
    stage.promise("restarted, it goes on from disk", restarted, release(&app));
    let forger = Site::start(authority.issue(HOST, &KeyPair::generate()?)?).await?;
    let outcome = app.request(HOST, forger.address()).await?;
    let refused = outcome == Outcome::Refused(Code::PinMismatch) && forger.received_bytes() == 0;
    stage.promise("and still refuses the forger", refused, outcome);
    Ok(())
}
