use std::{future::Future, net::SocketAddr, path::Path, sync::LazyLock, time::Duration};

use base64ct::{Base64, Encoding};
use pintle_api::{
    AcceptReleaseRequest, ApiToken, CreateOrganizationRequest, CreateProjectRequest, KeyOpener, PrepareReleaseRequest,
    RegisterKeyRequest, ReleaseResponse, ReleaseState, StoreKeyRequest, Unchanged,
    client::{Client, ClientError, ProjectRef},
};
use pintle_core::{OrganizationId, ProjectId, Root, UnixTime};
use pintle_publish::{CredentialSource, Place};
use pintle_server::{RateLimitConfig, Ready, ServerConfig, ServerError, run};
use pintle_service::{Destination, Offer};
use pintle_sign::{EncryptedKey, Signer, SigningKey, make_statement, sign_config};
use pintle_store::{AccountId, AccountRow, Store, TokenId, TokenRow, Unsigned, WriteTx};
use pintle_testkit::database::database_in;
use sea_orm::ConnectionTrait as _;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::{sync::oneshot, task::JoinHandle};

pub(crate) const ALL_SCOPES: &str = "read edit release admin";

/// A server on a free port, with its own data directory.
pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) address: SocketAddr,
    pub(crate) cdn_address: Option<SocketAddr>,
    pub(crate) pages_address: Option<SocketAddr>,
    pub(crate) metrics_address: Option<SocketAddr>,
    pub(crate) admin: Client,
    pub(crate) token: ApiToken,
    pub(crate) folder: TempDir,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), ServerError>>,
}

/// On the database that belongs to the directory, whichever the tests run on.
pub(crate) fn config(data_dir: &Path) -> ServerConfig {
    let database = Some(database_in(data_dir).parse().unwrap());
    ServerConfig { database, ..config_on_sqlite(data_dir) }
}

pub(crate) fn config_on_sqlite(data_dir: &Path) -> ServerConfig {
    ServerConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        data_dir: data_dir.to_owned(),
        destinations: vec![www(data_dir)],
        // Tests ask as fast as they can; those about limits set their own.
        rate_limits: RateLimitConfig { address_per_minute: 0, token_per_minute: 0, account_per_minute: 0 },
        ..ServerConfig::default()
    }
}

/// A directory that everybody may publish to.
fn www(data_dir: &Path) -> Destination {
    Destination {
        name: "www".into(),
        place: Place::Directory { path: data_dir.join("www") },
        credentials: CredentialSource::Environment,
        offer: Offer::Everybody,
        public_url: None,
        purge: None,
    }
}

/// Starts a server; the answer is what it says once it listens, or why it does not.
pub(crate) async fn start(
    config: ServerConfig,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> (Option<Ready>, JoinHandle<Result<(), ServerError>>) {
    let (sender, ready) = oneshot::channel();
    let task = tokio::spawn(run(config, shutdown, |ready| drop(sender.send(ready))));
    (ready.await.ok(), task)
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::start_changed(|_| {}).await
    }

    /// The same with another configuration.
    pub(crate) async fn start_changed(change: impl FnOnce(&mut ServerConfig)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config(folder.path());
        change(&mut config);
        Self::start_with(folder, config).await
    }

    /// The first server on a database.
    pub(crate) async fn start_with(folder: TempDir, config: ServerConfig) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let (ready, task) = start(config, async { drop(stopped.await) }).await;
        let Ready { address, cdn_address, pages_address, metrics_address, public_url: url, first_run } = ready.unwrap();
        let token = first_run.unwrap().token;
        let admin = Client::new(&url, token.clone()).unwrap();
        Self { url, address, cdn_address, pages_address, metrics_address, admin, token, folder, stop, task }
    }

    /// Asks it to stop, and does not wait.
    pub(crate) fn begin_to_stop(self) -> (TempDir, JoinHandle<Result<(), ServerError>>) {
        self.stop.send(()).unwrap();
        (self.folder, self.task)
    }

    pub(crate) async fn stop(self) -> TempDir {
        self.stop.send(()).unwrap();
        self.task.await.unwrap().unwrap();
        self.folder
    }

    /// Stops it and starts another one on the same data, elsewhere.
    pub(crate) async fn restart(self) -> Self {
        self.restart_changed(|_| {}).await
    }

    /// The same with another configuration.
    pub(crate) async fn restart_changed(self, change: impl FnOnce(&mut ServerConfig)) -> Self {
        let token = self.token.clone();
        let folder = self.stop().await;
        let mut config = config(folder.path());
        change(&mut config);
        let (stop, stopped) = oneshot::channel::<()>();
        let (ready, task) = start(config, async { drop(stopped.await) }).await;
        let Ready { address, cdn_address, pages_address, metrics_address, public_url: url, .. } = ready.unwrap();
        let admin = Client::new(&url, token.clone()).unwrap();
        Self { url, address, cdn_address, pages_address, metrics_address, admin, token, folder, stop, task }
    }

    /// The token of somebody who belongs to no organization.
    pub(crate) async fn add_stranger(&self) -> ApiToken {
        self.add_token(&self.add_account("stranger").await, ALL_SCOPES, None).await
    }

    /// Another token of the admin.
    pub(crate) async fn add_admin_token(&self, scopes: &str) -> ApiToken {
        let account = AccountId::parse(&self.admin.whoami().await.unwrap().account_id).unwrap();
        self.add_token(&account, scopes, None).await
    }

    pub(crate) async fn add_account(&self, name: &str) -> AccountId {
        let account = AccountRow { id: AccountId::make(1), name: name.into(), created_at: 1.into() };
        self.write(async |tx| tx.insert_account(account.clone()).await.unwrap()).await;
        account.id
    }

    pub(crate) async fn add_token(&self, account: &AccountId, scopes: &str, expires_at: Option<u64>) -> ApiToken {
        let id = TokenId::make(1);
        // As good as random: ids are.
        let token = ApiToken::make(&Sha256::digest(id.as_str()).into());
        let row = TokenRow {
            id,
            account_id: account.clone(),
            name: "test".into(),
            prefix: token.prefix().into(),
            secret_sha256: token.sha256().iter().map(|byte| format!("{byte:02x}")).collect(),
            scopes: scopes.into(),
            created_at: 1.into(),
            last_used_at: None,
            expires_at: expires_at.map(Unsigned::from),
            organization_id: None,
            project_id: None,
            revoked_at: None,
        };
        self.write(async |tx| tx.insert_token(row.clone()).await.unwrap()).await;
        token
    }

    /// Makes `account` a member, whatever the rules say.
    pub(crate) async fn add_member(&self, organization: &str, account: &AccountId, role: &str) {
        self.execute(&format!(
            "INSERT INTO membership (organization_id, account_id, role, created_at) \
             VALUES ('{organization}', '{account}', '{role}', 1)"
        ))
        .await;
    }

    /// Runs SQL on the server's database behind its back.
    pub(crate) async fn execute(&self, sql: &str) {
        let url = database_in(self.folder.path());
        let database = sea_orm::Database::connect(url).await.unwrap();
        database.execute_unprepared(sql).await.unwrap();
        database.close().await.unwrap();
    }

    /// Changes the server's database behind its back.
    pub(crate) async fn write(&self, change: impl AsyncFn(&WriteTx)) {
        let store = Store::open(&database_in(self.folder.path()).parse().unwrap()).await.unwrap();
        let tx = store.write().await.unwrap();
        change(&tx).await;
        tx.commit().await.unwrap();
        store.close().await.unwrap();
    }

    pub(crate) async fn add_project(&self) -> Project {
        let key = SigningKey::generate().unwrap();
        let organization =
            self.admin.create_organization(&CreateOrganizationRequest { name: "Acme".into() }).await.unwrap().id;
        let request = CreateProjectRequest {
            name: "App".into(),
            environment: "production".into(),
            key: Some(RegisterKeyRequest { public_key: key.public_key().to_base64(), recovery_key: None }),
        };
        let project = self.admin.create_project(&organization, &request).await.unwrap().id;
        Project { organization, project, key }
    }
}

/// A project and its signing key.
pub(crate) struct Project {
    pub(crate) organization: String,
    pub(crate) project: String,
    pub(crate) key: SigningKey,
}

impl Project {
    pub(crate) fn id(&self) -> ProjectRef<'_> {
        ProjectRef { organization: &self.organization, project: &self.project }
    }

    pub(crate) fn file(&self, server: &Server, file: &str) -> String {
        format!("{}/cdn/{}/{}/{file}", server.url, self.organization, self.project)
    }

    /// A statement of the project's key that names `next`.
    pub(crate) fn statement(&self, seq: u64, next: &SigningKey) -> String {
        let organization = OrganizationId::parse(&self.organization).unwrap();
        let project = ProjectId::parse(&self.project).unwrap();
        make_statement(&self.key, &organization, &project, seq, UnixTime::default(), &next.public_key()).unwrap()
    }

    /// Prepares, signs and submits.
    pub(crate) async fn submit(&self, client: &Client) -> (ReleaseResponse, String) {
        let request = PrepareReleaseRequest { unchanged: Unchanged::Release, ..PrepareReleaseRequest::default() };
        let prepared = client.prepare_release(self.id(), &request).await.unwrap();
        let bundle = client.read_bundle(self.id()).await.unwrap();
        let root = Root::dangerous_parse_bundle_with_http_loopback(&bundle).unwrap();
        let claims = Base64::decode_vec(&prepared.claims).unwrap();
        let jws = sign_config(&self.key, &claims, &[], &root).unwrap().as_str().to_owned();
        let release = client
            .accept_release(self.id(), &AcceptReleaseRequest { jws: jws.clone(), publish_at: None })
            .await
            .unwrap();
        (release, jws)
    }

    /// Has the server keep some ciphertext as the project's key: nobody without its password can tell that it is none.
    pub(crate) async fn store_key(&self, client: &Client) {
        static CIPHERTEXT: LazyLock<EncryptedKey> =
            LazyLock::new(|| EncryptedKey::seal(&SigningKey::generate().unwrap(), &"a password".into()).unwrap());
        let (organization, project) =
            (OrganizationId::parse(&self.organization).unwrap(), ProjectId::parse(&self.project).unwrap());
        let proof = self.key.sign(&CIPHERTEXT.proof_message(&organization, &project)).unwrap();
        let request = StoreKeyRequest {
            pem: CIPHERTEXT.as_pem().to_owned(),
            opened_by: KeyOpener::Password {},
            proof: Base64::encode_string(&proof),
        };
        client.store_key(self.id(), &request).await.unwrap();
    }

    /// The same as `submit`, until it is live.
    pub(crate) async fn release(&self, client: &Client) -> String {
        let (release, jws) = self.submit(client).await;
        wait_until_live(client, self.id(), release.version).await;
        jws
    }
}

pub(crate) async fn wait_until_live(client: &Client, project: ProjectRef<'_>, version: u64) {
    let live = async {
        while client.read_release(project, version).await.unwrap().state != ReleaseState::Live {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), live).await.unwrap();
}

pub(crate) fn code<T>(answer: Result<T, ClientError>) -> String {
    answer.err().map_or_else(|| "ok".to_owned(), |error| error.code().to_owned())
}

pub(crate) fn http() -> reqwest::Client {
    // No TLS is spoken, but the client wants a provider to be there.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// Changes the database behind the server's back.
pub(crate) async fn execute(folder: &Path, sql: &str) {
    execute_on(&database_in(folder), sql).await;
}

pub(crate) async fn execute_on(url: &str, sql: &str) {
    let connection = sea_orm::Database::connect(url).await.unwrap();
    sea_orm::ConnectionTrait::execute_unprepared(&connection, sql).await.unwrap();
    connection.close().await.unwrap();
}

/// What a process leaves behind that was killed after it accepted the first release: the job is there, the files are not.
pub(crate) const KILLED_BEFORE_PUBLISHING: &str = "DELETE FROM published_object; DELETE FROM job;
    UPDATE \"release\" SET state = 'publishing', live_at = NULL;
    INSERT INTO job (id, kind, subject, attempts, run_at, lease, created_at)
    SELECT 'job_1', 'publish', id, 1, 0, 'dead', 0 FROM \"release\" WHERE version = 1";
