//! A project as its operator has it, run by the real binary.

use std::{
    fs,
    path::Path,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use pintle_core::{
    Root, UnixTime,
    claims::{Claims, Domain},
};
use pintle_sign::{Signer, SigningKey, canonical_claims, make_statement, sign_config};
use pintle_testkit::{certificate::Authority, site::Site};

use crate::{Server, clock::DrillClock, fleet::Fleet, run};

/// The host that apps connect to.
pub const HOST: &str = "shop.example";
/// The highest number a release can have.
pub const HIGHEST_NUMBER: u64 = (1 << 53) - 1;

/// The project `shop/production` with one pinned host and one release, and the site its apps connect to.
pub struct World {
    folder: tempfile::TempDir,
    origin: String,
    _server: Server,
    /// The CA of the site.
    pub authority: Authority,
    /// The pinned host.
    pub site: Site,
    /// What apps embed.
    pub root: Root,
}

impl World {
    /// Its recovery key is in `pintle-recovery-key.pem`.
    pub async fn with_recovery_key() -> Self {
        let keys: [&[&str]; 2] =
            [&["keys", "generate", "--recovery"], &["keys", "register", "--recovery-key", "pintle-recovery-key.pem"]];
        Self::start(&keys).await
    }

    /// Whose signing key is everything it has.
    pub async fn without_recovery_key() -> Self {
        Self::start(&[&["keys", "register"]]).await
    }

    async fn start(register: &[&[&str]]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (server, origin) = Server::start(folder.path(), &[]);
        let authority = Authority::root("Site CA");
        let site = Site::start(&authority.issue(&[HOST])).await;
        let address = site.address().to_string();
        let before: [&[&str]; 4] = [
            &["login", "--server", &origin, "--token-file", "token"],
            &["orgs", "create", "Acme"],
            &["projects", "create", "shop"],
            &["keys", "generate"],
        ];
        let after: [&[&str]; 4] = [
            &["domains", "add", HOST],
            &["pins", "add", HOST, "--from-host", &address],
            &["release", "--yes"],
            &["bundle"],
        ];
        for arguments in before.iter().chain(register).chain(&after) {
            let _said = run(folder.path(), arguments);
        }
        let bundle = fs::read(folder.path().join("pintle.json")).unwrap();
        let root = Root::dangerous_parse_bundle_with_http_loopback(&bundle).unwrap();
        Self { folder, origin, _server: server, authority, site, root }
    }

    /// Where its operator works.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The server's URL.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Runs the command line, which must succeed; what it said.
    pub fn run(&self, arguments: &[&str]) -> String {
        run(self.folder(), arguments)
    }

    /// The bundle that is in `file` now.
    ///
    /// # Panics
    /// There is none.
    #[must_use]
    pub fn bundle(&self, file: &str) -> String {
        fs::read_to_string(self.folder().join(file)).unwrap()
    }

    /// The bundle as it was first, with `urls` in place of its own.
    ///
    /// # Panics
    /// One of them is no URL.
    #[must_use]
    pub fn bundle_with_urls(&self, urls: &[&str]) -> String {
        let mut bundle: serde_json::Value = serde_json::from_str(&self.root.to_bundle_json()).unwrap();
        bundle.as_object_mut().unwrap().insert("urls".to_owned(), urls.into());
        bundle.to_string()
    }

    /// A fleet of apps that connect to the site, none of them yet.
    #[must_use]
    pub fn fleet(&self) -> Fleet {
        Fleet::new(HOST, &self.site, &self.authority, Arc::new(DrillClock::with_chance(0)))
    }

    /// The status of a file of the project at the server's own origin, and the file.
    ///
    /// # Panics
    /// The server does not answer.
    pub async fn fetch(&self, file: &str) -> (u16, Vec<u8>) {
        // Installed already, if this is not the first time.
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let url = format!("{}/cdn/{}/{}/{file}", self.origin, self.root.organization(), self.root.project());
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let response = client.get(url).send().await.unwrap();
        (response.status().as_u16(), response.bytes().await.unwrap().to_vec())
    }

    /// The key in `file`.
    ///
    /// # Panics
    /// There is none.
    #[must_use]
    pub fn key(&self, file: &str) -> SigningKey {
        SigningKey::parse_pem(&fs::read_to_string(self.folder().join(file)).unwrap(), None).unwrap()
    }

    /// What a thief of `signer` signs: the highest number there is, and `domains`.
    ///
    /// # Panics
    /// It could not be signed.
    #[must_use]
    pub fn steal(&self, signer: &SigningKey, succession: &[String], domains: Vec<Domain>) -> Vec<u8> {
        let (organization, project) = (self.root.organization().clone(), self.root.project().clone());
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let mut claims = Claims::new(organization, project, HIGHEST_NUMBER, UnixTime::from_secs(now));
        claims.domains = domains;
        sign_config(signer, &canonical_claims(&claims), succession, &self.root).unwrap().as_bytes().to_vec()
    }

    /// The statement with number `seq`: `signer` vouches for `key`.
    ///
    /// # Panics
    /// It could not be signed.
    #[must_use]
    pub fn statement(&self, signer: &SigningKey, seq: u64, key: &SigningKey) -> String {
        let (organization, project) = (self.root.organization(), self.root.project());
        make_statement(signer, organization, project, seq, UnixTime::default(), &key.public_key()).unwrap()
    }
}
