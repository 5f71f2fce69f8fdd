//! The server is killed at random moments while releases are made, again and again. Afterwards every release that was
//! accepted is live or superseded by one that is, none is half-published, and no number went back.
#![cfg(test)]

use std::{
    fs,
    hash::{BuildHasher, Hasher, RandomState},
    path::PathBuf,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use base64ct::{Base64, Encoding};
use pintle_api::{
    AcceptReleaseRequest, ApiToken, PrepareReleaseRequest, ReleaseState, Unchanged,
    client::{Client, ClientError, ProjectRef},
};
use pintle_core::{Root, State, UnixTime, verify};
use pintle_e2e::{Server, run};
use pintle_sign::{SigningKey, sign_config};

/// Apps' URL, the same for every start: the port is another one each time.
const CDN: [&str; 4] = ["--cdn-url", "https://pins.example.com/cdn", "--publish-dir", "target"];

struct World {
    folder: tempfile::TempDir,
    root: Root,
    key: Arc<SigningKey>,
    /// Numbers of which the server said that they are accepted.
    accepted: Arc<Mutex<Vec<u64>>>,
}

/// A server and whatever makes releases on it, until it is killed.
struct Round {
    url: String,
    client: Client,
    server: Server,
}

impl World {
    async fn make() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // One client in a hurry: no limit is to be met.
        let limits = "[rate_limits]\naddress_per_minute = 0\ntoken_per_minute = 0\naccount_per_minute = 0\n";
        fs::write(folder.path().join("pintle.toml"), limits).unwrap();
        let (_server, url) = Server::start(folder.path(), &CDN);
        for arguments in [
            &["login", "--server", &url, "--token-file", "token"][..],
            &["orgs", "create", "Acme"],
            &["projects", "create", "shop"],
            &["keys", "generate"],
            &["keys", "register"],
            &["domains", "add", "shop.example"],
            &["pins", "add", "shop.example", "--pin", "spki-sha256:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="],
            &["bundle"],
        ] {
            let _said = run(folder.path(), arguments);
        }
        let root = Root::parse_bundle(&fs::read(folder.path().join("pintle.json")).unwrap()).unwrap();
        let key =
            SigningKey::parse_pem(&fs::read_to_string(folder.path().join("pintle-key.pem")).unwrap(), None).unwrap();
        Self { folder, root, key: Arc::new(key), accepted: Arc::default() }
    }

    fn start(&self) -> Round {
        let (server, url) = Server::start(self.folder.path(), &CDN);
        let token = fs::read_to_string(self.folder.path().join("token")).unwrap();
        let client = Client::new(&url, ApiToken::parse(&token).unwrap()).unwrap();
        Round { url, client, server }
    }

    /// Makes releases as fast as the server takes them.
    fn make_releases(&self, client: &Client) -> tokio::task::JoinHandle<()> {
        let (client, root, key) = (client.clone(), self.root.clone(), Arc::clone(&self.key));
        let accepted = Arc::clone(&self.accepted);
        tokio::spawn(async move {
            while let Ok(version) = release(&client, &root, &key).await {
                accepted.lock().unwrap().push(version);
            }
        })
    }

    fn target(&self, file: &str) -> PathBuf {
        let (organization, project) = (self.root.organization(), self.root.project());
        self.folder.path().join(format!("target/{organization}/{project}/{file}"))
    }

    /// The number that a pointer shows. It verifies, and the release that it shows lies beside it.
    fn check_pointer(&self, pointer: &[u8], beside: impl Fn(u64) -> Option<Vec<u8>>) -> u64 {
        let accepted = verify(pointer, &self.root, &State::default(), now()).expect("a pointer verifies");
        let version = accepted.config.claims().version;
        assert_eq!(beside(version).as_deref(), Some(pointer), "release {version} lies beside its pointer");
        version
    }

    fn check_directory(&self) -> u64 {
        match fs::read(self.target("pins.jws")) {
            Ok(pointer) => {
                self.check_pointer(&pointer, |version| fs::read(self.target(&format!("releases/{version}.jws"))).ok())
            }
            Err(_) => 0,
        }
    }

    async fn check_origin(&self, url: &str) -> u64 {
        let base = format!("{url}/cdn/{}/{}", self.root.organization(), self.root.project());
        let Some(pointer) = fetch(&format!("{base}/pins.jws")).await else { return 0 };
        let version = self.check_pointer(&pointer, |_| Some(pointer.clone()));
        assert_eq!(fetch(&format!("{base}/releases/{version}.jws")).await, Some(pointer), "release {version}");
        version
    }
}

fn now() -> UnixTime {
    UnixTime::from_secs(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs())
}

async fn fetch(url: &str) -> Option<Vec<u8>> {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.get(url).send().await.unwrap();
    if answer.status() == 404 { None } else { Some(answer.error_for_status().unwrap().bytes().await.unwrap().to_vec()) }
}

async fn release(client: &Client, root: &Root, key: &SigningKey) -> Result<u64, ClientError> {
    let project = ProjectRef { organization: root.organization().as_str(), project: root.project().as_str() };
    let request = PrepareReleaseRequest { unchanged: Unchanged::Release, ..PrepareReleaseRequest::default() };
    let prepared = client.prepare_release(project, &request).await?;
    let claims = Base64::decode_vec(&prepared.claims).unwrap();
    let jws = sign_config(key, &claims, &[], root).unwrap().as_str().to_owned();
    Ok(client.accept_release(project, &AcceptReleaseRequest { jws, publish_at: None }).await?.version)
}

/// Up to `most`, another one each time.
fn random_time(most: Duration) -> Duration {
    let fraction = RandomState::new().build_hasher().finish() % 1000;
    most * u32::try_from(fraction).unwrap() / 1000
}

async fn kill_again_and_again(rounds: u32) {
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let world = World::make().await;
    let (mut in_directory, mut at_origin) = (0, 0);
    let began = Instant::now();
    for round in 0..rounds {
        if round % 5 == 4 {
            // While it starts, too.
            let (_server, _output) = Server::spawn(world.folder.path(), &CDN);
            tokio::time::sleep(random_time(Duration::from_millis(60))).await;
            continue;
        }
        let Round { url, client, server } = world.start();
        let shown = world.check_origin(&url).await;
        assert!(shown >= at_origin, "round {round}: the origin went from {at_origin} back to {shown}");
        at_origin = shown;
        let releases = world.make_releases(&client);
        tokio::time::sleep(random_time(Duration::from_millis(150))).await;
        drop(server);
        releases.abort();
        let _cancelled = releases.await;
        let shown = world.check_directory();
        assert!(shown >= in_directory, "round {round}: the directory went from {in_directory} back to {shown}");
        in_directory = shown;
    }
    let killed_for = began.elapsed();

    let Round { url, client, server: _server } = world.start();
    let last = release(&client, &world.root, &world.key).await.unwrap();
    let accepted = world.accepted.lock().unwrap().clone();
    assert!(accepted.is_sorted_by(|a, b| a < b), "numbers only rise: {accepted:?}");
    assert!(accepted.iter().all(|version| *version < last), "{last} after {accepted:?}");
    assert!(accepted.len() >= rounds as usize / 10, "so few that nothing was tried: {}", accepted.len());
    wait_until_over(&client, &world.root, &accepted, last).await;
    assert_eq!(world.check_directory(), last);
    assert_eq!(world.check_origin(&url).await, last);
    println!(
        "kill loop: {rounds} rounds in {killed_for:?}, {} releases accepted, all of them live once",
        accepted.len()
    );
}

/// Every release that was accepted ends: live, or superseded by one that is.
async fn wait_until_over(client: &Client, root: &Root, accepted: &[u64], last: u64) {
    let project = ProjectRef { organization: root.organization().as_str(), project: root.project().as_str() };
    // A killed server's job is taken up when its lease ends.
    let deadline = Instant::now() + Duration::from_secs(60);
    for version in accepted.iter().chain([&last]) {
        loop {
            let state = client.read_release(project, *version).await.unwrap().state;
            let expected = if *version == last { ReleaseState::Live } else { ReleaseState::Superseded };
            if state == expected {
                break;
            }
            assert!(Instant::now() < deadline, "release {version} is {state:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_25_times_it_loses_nothing_and_publishes_nothing_by_halves() {
    kill_again_and_again(25).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes; `cargo xtask test --all` runs it"]
async fn killed_200_times_it_loses_nothing_and_publishes_nothing_by_halves() {
    kill_again_and_again(200).await;
}
