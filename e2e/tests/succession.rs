//! A signing key is rotated, stolen and recovered: real server, real command line, and an app that embeds the first key.
#![cfg(test)]

use std::{
    fs,
    sync::{Arc, Mutex},
};

use pintle_core::{Code, Root, UnixTime, claims::Claims, decide::Verdict};
use pintle_e2e::{Server, fail, run};
use pintle_sdk::{Authorities, Event, Pintle};
use pintle_sign::{Signer, SigningKey, canonical_claims, make_statement, sign_config};
use pintle_testkit::{
    cdn::{Cdn, Reply},
    certificate::Authority,
    site::Site,
};

const HOST: &str = "shop.example";
const HIGHEST_NUMBER: u64 = (1 << 53) - 1;

/// A project with one pinned host and one release, run through the command line; and what its apps fetch from, which shows
/// the real files until somebody else has a hand in it.
struct World {
    folder: tempfile::TempDir,
    origin: String,
    _server: Server,
    cdn: Cdn,
    authority: Authority,
    site: Site,
    root: Root,
}

impl World {
    async fn with_first_release() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (server, origin) = Server::start(folder.path(), &[]);
        let authority = Authority::root("Site CA");
        let certificate = authority.issue(&[HOST]);
        let site = Site::start(&certificate).await;
        let cdn = Cdn::start(Reply::Closed).await;
        let run = |arguments: &[&str]| drop(run(folder.path(), arguments));
        run(&["login", "--server", &origin, "--token-file", "token"]);
        run(&["orgs", "create", "Acme"]);
        run(&["projects", "create", "shop"]);
        run(&["keys", "generate"]);
        run(&["keys", "generate", "--recovery"]);
        run(&["keys", "register", "--recovery-key", "pintle-recovery-key.pem"]);
        run(&["domains", "add", HOST]);
        run(&["pins", "add", HOST, "--from-host", &site.address().to_string()]);
        run(&["release", "--yes"]);
        run(&["bundle"]);
        let bundle = fs::read_to_string(folder.path().join("pintle.json")).unwrap();
        let root = Root::dangerous_parse_bundle_with_http_loopback(bundle.as_bytes()).unwrap();
        let world = Self { folder, origin, _server: server, cdn, authority, site, root };
        world.show_the_real_file().await;
        world
    }

    fn run(&self, arguments: &[&str]) -> String {
        run(self.folder.path(), arguments)
    }

    /// The apps' CDN shows what the server publishes.
    async fn show_the_real_file(&self) {
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let url = format!("{}/cdn/{}/{}/pins.jws", self.origin, self.root.organization(), self.root.project());
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let file = client.get(url).send().await.unwrap().error_for_status().unwrap().bytes().await.unwrap();
        self.cdn.set(Reply::File(file.to_vec()));
    }

    /// The first build of the app: it embeds the first key for good, and keeps its state in `app`.
    async fn start_app(&self) -> App {
        let mut bundle = self.root.to_bundle_json();
        bundle = bundle.replace(self.root.urls()[0].as_str(), self.cdn.url());
        let refusals = Arc::<Mutex<Vec<Code>>>::default();
        let heard = refusals.clone();
        let pintle = Pintle::builder(bundle)
            .dangerous_allow_http_loopback()
            .connection_authorities(Authorities::Only(vec![self.authority.certificate().clone()]))
            .storage_dir(self.folder.path().join("app"))
            .listen(move |event| {
                if let Event::ConfigRejected { error, .. } = event {
                    heard.lock().unwrap().push(error.code());
                }
            })
            .setup()
            .await
            .unwrap();
        App { pintle, refusals }
    }

    fn key(&self, file: &str) -> SigningKey {
        SigningKey::parse_pem(&fs::read_to_string(self.folder.path().join(file)).unwrap(), None).unwrap()
    }

    /// A configuration without any domain, as only a thief would sign it.
    fn steal(&self, signer: &SigningKey, succession: &[String]) -> Reply {
        let (organization, project) = (self.root.organization().clone(), self.root.project().clone());
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let claims = Claims::new(organization, project, HIGHEST_NUMBER, UnixTime::from_secs(now));
        let signed = sign_config(signer, &canonical_claims(&claims), succession, &self.root).unwrap();
        Reply::File(signed.as_bytes().to_vec())
    }

    fn statement(&self, signer: &SigningKey, seq: u64, key: &SigningKey) -> String {
        let (organization, project) = (self.root.organization(), self.root.project());
        make_statement(signer, organization, project, seq, UnixTime::default(), &key.public_key()).unwrap()
    }
}

struct App {
    pintle: Pintle,
    refusals: Arc<Mutex<Vec<Code>>>,
}

impl App {
    fn release(&self) -> u64 {
        self.pintle.snapshot().config().unwrap().claims().version
    }

    fn kid(&self) -> String {
        self.pintle.snapshot().config().unwrap().kid().to_string()
    }

    async fn is_pinned_to(&self, world: &World) -> bool {
        let probe = self.pintle.probe(HOST, Some(world.site.address())).await.unwrap();
        matches!(probe.decision.verdict, Verdict::Pinned { .. })
    }

    /// Refreshes, which fails; why files were refused meanwhile. A refresh of the app's own may fall into that time, so
    /// a reason that follows itself counts once.
    async fn refuse(&self) -> Vec<Code> {
        self.refusals.lock().unwrap().clear();
        self.pintle.refresh().await.unwrap_err();
        let mut reasons = self.refusals.lock().unwrap().clone();
        reasons.dedup();
        reasons
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_follows_a_rotation_without_a_restart() {
    let world = World::with_first_release().await;
    let app = world.start_app().await;
    assert_eq!((app.release(), app.kid()), (1, world.root.public_key().kid().to_string()));

    world.run(&["keys", "rotate", "--yes"]);
    let new = world.key("pintle-key-next.pem").public_key();
    world.show_the_real_file().await;
    app.pintle.refresh().await.unwrap();

    assert_eq!((app.release(), app.kid()), (2, new.kid().to_string()));
    assert!(app.is_pinned_to(&world).await);
    world.run(&["bundle", "--force", "--key", "pintle-key-next.pem"]);
    let (status, said) = fail(world.folder.path(), &["release", "--yes", "--renew"]);
    assert_eq!(status, 3, "the old key is no longer the project's: {said}");
    world.run(&["release", "--yes", "--renew", "--key", "pintle-key-next.pem"]);
    // A second one, with a key made beforehand.
    world.run(&["keys", "generate", "--out", "third.pem"]);
    world.run(&["keys", "rotate", "--key", "pintle-key-next.pem", "--new-key", "third.pem", "--yes"]);
    world.show_the_real_file().await;
    app.pintle.refresh().await.unwrap();
    assert_eq!((app.release(), app.kid()), (4, world.key("third.pem").public_key().kid().to_string()));
    // Back to one that signed before: no app would follow.
    let back = ["keys", "rotate", "--key", "third.pem", "--new-key", "pintle-key-next.pem", "--yes"];
    let said = fail(world.folder.path(), &back).1;
    assert!(["[key_former]", "statement 1", "--new-key"].iter().all(|hint| said.contains(hint)), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_rotation_goes_on_where_it_stopped() {
    let world = World::with_first_release().await;
    let rotate = ["keys", "rotate", "--yes"];
    // Stopped before anything was sent: the key is made, and the server is not there.
    let config = world.folder.path().join("config/config.toml");
    let settings = fs::read_to_string(&config).unwrap();
    fs::write(&config, settings.replace(&world.origin, "http://127.0.0.1:1")).unwrap();
    let _refused = fail(world.folder.path(), &rotate);
    fs::write(&config, settings).unwrap();
    // Stopped after the statement: the release did not become live in time.
    let (status, said) = fail(world.folder.path(), &["keys", "rotate", "--yes", "--timeout", "0"]);
    assert_eq!(status, 8, "{said}");
    let new = world.key("pintle-key-next.pem").public_key();

    let said = world.run(&rotate);
    assert!(said.contains("already is the project's signing key"), "{said}");
    world.show_the_real_file().await;
    let app = world.start_app().await;
    assert_eq!(app.kid(), new.kid().to_string());
    let released = app.release();

    // Finished: nothing happens twice.
    world.run(&rotate);
    world.show_the_real_file().await;
    app.pintle.refresh().await.unwrap();
    assert_eq!((app.release(), app.kid()), (released, new.kid().to_string()));
    let (_, said) = fail(world.folder.path(), &["keys", "rotate", "--yes", "--new-key", "pintle-key.pem"]);
    assert!(said.contains("[key_wrong]"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thief_with_the_highest_number_is_shut_out_by_a_recovery() {
    let world = World::with_first_release().await;
    let app = world.start_app().await;
    let stolen = world.steal(&world.key("pintle-key.pem"), &[]);
    shut_out(&world, app, stolen).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thief_with_a_full_chain_is_shut_out_by_a_recovery() {
    let world = World::with_first_release().await;
    let app = world.start_app().await;
    let keys: Vec<SigningKey> = (0..32).map(|_| SigningKey::generate().unwrap()).collect();
    let stolen_key = world.key("pintle-key.pem");
    let signers = std::iter::once(&stolen_key).chain(&keys);
    let chain: Vec<String> =
        signers.zip(&keys).zip(1..).map(|((signer, key), seq)| world.statement(signer, seq, key)).collect();
    assert_eq!(chain.len(), 32);
    let stolen = world.steal(&keys[31], &chain);
    shut_out(&world, app, stolen).await;
}

/// The app takes what the thief signed, follows the recovery, and refuses the thief from then on.
async fn shut_out(world: &World, app: App, stolen: Reply) {
    world.cdn.set(stolen.clone());
    app.pintle.refresh().await.unwrap();
    assert_eq!(app.release(), HIGHEST_NUMBER, "a stolen key is believed: that is what theft means");
    assert!(!app.is_pinned_to(world).await);

    world.run(&["keys", "recover", "--yes"]);
    let new = world.key("pintle-key-next.pem").public_key().kid().to_string();
    world.show_the_real_file().await;
    app.pintle.refresh().await.unwrap();
    assert_eq!((app.release(), app.kid()), (2, new.clone()));
    assert!(app.is_pinned_to(world).await, "back on the real project");

    world.cdn.set(stolen.clone());
    assert_eq!(app.refuse().await, [Code::ConfigRollback]);
    assert_eq!((app.release(), app.kid()), (2, new.clone()));
    drop(app);
    // From disk, without the network's help.
    let app = world.start_app().await;
    assert_eq!((app.release(), app.kid()), (2, new.clone()));
    assert_eq!(app.refuse().await, [Code::ConfigRollback]);
    assert_eq!(app.kid(), new);
    assert!(app.is_pinned_to(world).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_a_wrong_recovery_key_and_the_current_key_with_a_hint() {
    let world = World::with_first_release().await;
    let refusal = |arguments: &[&str]| fail(world.folder.path(), arguments).1;
    world.run(&["keys", "generate", "--out", "other.pem"]);
    let said = refusal(&["keys", "recover", "--recovery-key", "other.pem", "--yes"]);
    assert!(said.contains("[key_wrong]") && said.contains("recovery key"), "{said}");
    let said = refusal(&["keys", "rotate", "--key", "other.pem", "--yes"]);
    assert!(said.contains("[key_wrong]"), "{said}");
    let said = refusal(&["keys", "rotate", "--new-key", "pintle-key.pem", "--yes"]);
    assert!(said.contains("[key_same]") && said.contains("--new-key"), "{said}");
    let said = refusal(&["keys", "rotate", "--new-key", "pintle-recovery-key.pem", "--yes"]);
    let hints = ["[key_same]", "recovery key", "--new-key"];
    assert!(hints.iter().all(|hint| said.contains(hint)), "{said}");
    let said = refusal(&["keys", "rotate"]);
    assert!(said.contains("[answer_needed]") && said.contains("--yes"), "{said}");
    assert!(!world.folder.path().join("pintle-key-next.pem").exists(), "nothing was made before it was confirmed");
}
