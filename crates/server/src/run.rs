use std::{
    fs::{self, File, TryLockError},
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    pin::pin,
    sync::Arc,
};

use pintle_core::root::{BaseUrl, UrlError};
use pintle_publish::{Bucket, DirectoryBucket};
use pintle_service::{AccountSettings, FirstRun, Mailer, OriginBucket, Service, ServiceError, SsoProvider};
use pintle_store::{DatabaseUrl, Store, StoreError};
use tokio::{
    sync::watch,
    task::{JoinError, JoinSet},
};

use crate::{
    OidcConfig, ServerConfig,
    app::App,
    client::Clients,
    clock::now,
    doors::Doors,
    jobs::{self, Worker},
    listen::{Identity, TlsError},
    metrics::Metrics,
    oidc::OidcProvider,
    rate::RateLimits,
    secret_key,
    smtp::SmtpMailer,
    webhook::HttpSender,
};

/// How many targets are written to at once.
const TARGET_WORKERS: usize = 4;

/// How many webhooks are told at once.
const MESSAGE_WORKERS: usize = 4;

/// What a caller learns once the server listens.
#[derive(Debug)]
pub struct Ready {
    /// The address it listens on, with the real port.
    pub address: SocketAddr,
    /// That of the listener for published files alone, if there is one.
    pub cdn_address: Option<SocketAddr>,
    /// That of the listener for the dashboard alone, if there is one.
    pub pages_address: Option<SocketAddr>,
    /// That of the listener for metrics, if there is one.
    pub metrics_address: Option<SocketAddr>,
    /// URL under which clients reach it.
    pub public_url: String,
    /// The token of a fresh installation, to be shown once.
    pub first_run: Option<FirstRun>,
}

/// Why a server does not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The data directory cannot be created or written.
    #[error("the data directory {} cannot be used: {source}", path.display())]
    DataDir {
        /// The directory.
        path: PathBuf,
        /// The system's own words.
        source: io::Error,
    },
    /// Another server works with the directory.
    #[error("the data directory {} is in use by another server", path.display())]
    DataDirLocked {
        /// The directory.
        path: PathBuf,
    },
    /// The database cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// As configured.
        address: SocketAddr,
        /// The system's own words.
        source: io::Error,
    },
    /// Apps and clients would not know where the server is.
    #[error("`public_url` is needed to listen on {address}, which is not a loopback address")]
    PublicUrlMissing {
        /// As configured.
        address: SocketAddr,
    },
    /// Apps would not know where published files are.
    #[error("`cdn_urls` is needed to serve published files on {address}, which is not a loopback address")]
    CdnUrlMissing {
        /// As configured.
        address: SocketAddr,
    },
    /// CT sources cannot be asked.
    #[error("CT sources cannot be asked: {0}")]
    CtSources(#[from] pintle_discover::WebError),
    /// Certificate and key cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// No usable URL follows from `public_url` or the address.
    #[error("`public_url`: {0}")]
    Url(#[source] UrlError),
    /// The server's own key cannot be read or made.
    #[error("the secret key{} cannot be used: {problem}", place.as_ref().map(|path| format!(" in {}", path.display())).unwrap_or_default())]
    SecretKey {
        /// The file, if it is kept in one.
        place: Option<PathBuf>,
        /// What is wrong with it.
        problem: String,
    },
    /// Root certificates for the guard cannot be read.
    #[error("`guard.roots`: {0}")]
    GuardRoots(#[source] io::Error),
    /// The carrier of webhooks cannot be made.
    #[error("webhooks: {0}")]
    Webhooks(String),
    /// Mail cannot be handed over as configured.
    #[error("`smtp`: {0}")]
    Smtp(String),
    /// A provider of single sign-on cannot be used as configured.
    #[error("`oidc.{provider}`: {problem}")]
    Oidc {
        /// Its name.
        provider: String,
        /// What is wrong.
        problem: String,
    },
    /// The first account could not be made.
    #[error("first-run set-up failed: {0}")]
    SetUp(#[source] ServiceError),
}

impl ServerError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::DataDir { .. } => "data_dir_unusable",
            Self::DataDirLocked { .. } => "data_dir_locked",
            Self::Store(StoreError::Corrupt { .. }) => "database_corrupt",
            Self::Store(StoreError::NewerSchema { .. }) => "database_newer",
            Self::Store(StoreError::OlderSchema { .. }) => "database_older",
            Self::Store(StoreError::Encoding { .. }) => "database_encoding",
            Self::Store(_) => "database_unavailable",
            Self::Listen { .. } => "listen_failed",
            Self::PublicUrlMissing { .. } => "public_url_missing",
            Self::CdnUrlMissing { .. } => "cdn_urls_missing",
            Self::Tls(_) => "tls_unusable",
            Self::Url(_) => "url_invalid",
            Self::SecretKey { .. } => "secret_key_unusable",
            Self::GuardRoots(_) => "guard_roots_unusable",
            Self::CtSources(_) => "ct_sources_unusable",
            Self::Webhooks(_) => "webhooks_unusable",
            Self::Smtp(_) => "smtp_unusable",
            Self::Oidc { .. } => "oidc_unusable",
            Self::SetUp(error) => error.code(),
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::DataDir { .. } => "choose a directory that this user can write to",
            Self::DataDirLocked { .. } => "stop the other server, or give this one a directory of its own",
            Self::Store(StoreError::Corrupt { .. }) => {
                "move the file away and restore it from a backup; apps are not affected meanwhile"
            }
            Self::Store(StoreError::NewerSchema { .. }) => "run the newer version of Pintle",
            Self::Store(StoreError::OlderSchema { .. }) => {
                "use the version of Pintle that wrote it, or start this one's server, which migrates it"
            }
            Self::Store(StoreError::Encoding { .. }) => {
                "make a database with `createdb --template=template0 --encoding=UTF8 NAME`"
            }
            Self::Store(_) | Self::SetUp(_) => {
                "SQLite: check the disk and the permissions of the data directory; PostgreSQL: is it running, and do \
                 address, user and password in the URL lead to it?"
            }
            Self::SecretKey { .. } => "it is 43 characters of URL-safe base64, readable by the server's user alone",
            Self::GuardRoots(_) => "name readable files of PEM certificates",
            Self::CtSources(_) | Self::Webhooks(_) => "check the CA store of this machine",
            Self::Smtp(_) => "check `smtp.from`, `smtp.ca_file` and the CA store of this machine",
            Self::Oidc { .. } => "check its `issuer` and `ca_file`, and the CA store of this machine",
            Self::Listen { .. } => "is the port taken by another program? choose another address or port",
            Self::PublicUrlMissing { .. } => "set it to the https URL under which clients reach this server",
            Self::CdnUrlMissing { .. } => "set it to the https URL under which apps reach the files",
            Self::Tls(_) => "both files are PEM: the certificate with its chain, and the key of that certificate",
            Self::Url(_) => "write it as https://pins.example.com; plain http is for loopback hosts alone",
        }
    }
}

/// Runs a server until `shutdown` completes, then lets requests and the running job finish, for a bounded time.
/// `on_ready` is called once, as soon as it listens.
///
/// # Errors
/// [`ServerError`] when it cannot start, or the database cannot be closed.
pub async fn run(
    config: ServerConfig,
    shutdown: impl Future<Output = ()> + Send,
    on_ready: impl FnOnce(Ready) + Send,
) -> Result<(), ServerError> {
    let database = database_url(&config);
    let _lock = database.sqlite_path().and_then(Path::parent).map(lock_data_dir).transpose()?;
    let tls = config.tls.as_ref().map(|tls| Identity::load(&tls.certificate, &tls.key)).transpose()?.map(Arc::new);
    let doors = Doors::bind(&config).await?;
    let address = doors.main.1;
    let public_url = resolve_public_url(&config, address)?;
    let base_urls = resolve_cdn_urls(&config, &doors, &public_url)?;
    let store = Store::open(&database).await?;
    let service = Arc::new(open_service(&config, &store, &public_url, base_urls)?);
    let first_run = service.set_up(now()).await.map_err(ServerError::SetUp)?;

    let (stop, stopping) = watch::channel(false);
    let (close, closing) = watch::channel(false);
    let mut workers = JoinSet::new();
    // Several, so that targets which are slow or gone hold up no others.
    let targets = [Worker::Targets; TARGET_WORKERS];
    let messages = [Worker::Messages; MESSAGE_WORKERS];
    for worker in
        [Worker::Jobs, Worker::Mails, Worker::Monitor, Worker::Logs].into_iter().chain(targets).chain(messages)
    {
        workers.spawn(jobs::run_jobs(worker, Arc::clone(&service), closing.clone()));
    }
    let recorder = tokio::spawn(jobs::run_recorder(Arc::clone(&service)));
    jobs::count(&service).await;
    let counter = tokio::spawn(jobs::run_counter(Arc::clone(&service)));
    let cleaner = tokio::spawn(jobs::run_cleaner(Arc::clone(&service)));
    let watcher = tokio::spawn(jobs::run_watcher(Arc::clone(&service)));
    let app = App {
        service: Arc::clone(&service),
        served: Arc::default(),
        metrics: Arc::new(Metrics::new()),
        clients: Arc::new(Clients::new(config.proxy.clone())),
        limits: Arc::new(RateLimits::new(&config)),
        streams: Arc::default(),
        stopping,
        is_https: public_url.as_str().starts_with("https://"),
        public_url: public_url.as_str().into(),
        security_contact: config.pages.security_contact.as_deref().map(Into::into),
    };
    let (cdn_address, metrics_address) = (doors.cdn_address(), doors.metrics_address());
    let pages_address = doors.pages_address();
    let mut tasks = doors.open(&app, &config, tls.as_ref(), &closing)?;
    tracing::info!(server.public_url = %public_url, "ready");
    on_ready(Ready {
        address,
        cdn_address,
        pages_address,
        metrics_address,
        public_url: public_url.to_string(),
        first_run,
    });

    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            // The others go on.
            Some(ended) = tasks.join_next() => report(ended),
        }
    }
    tracing::info!("stopping");
    stop.send_replace(true);
    tokio::time::sleep(config.stop.delay).await;
    close.send_replace(true);
    while let Some(ended) = tasks.join_next().await {
        report(ended);
    }
    let finished = async { while workers.join_next().await.is_some() {} };
    if tokio::time::timeout(config.stop.timeout, finished).await.is_err() {
        workers.abort_all();
        tracing::warn!("a running job did not finish in time; it is taken up again at the next start");
    }
    recorder.abort();
    counter.abort();
    cleaner.abort();
    watcher.abort();
    if tokio::time::timeout(config.stop.timeout, jobs::record_the_rest(&service)).await.is_err() {
        tracing::warn!("the last security events and reports were not written in time");
    }
    store.close().await?;
    tracing::info!("stopped");
    Ok(())
}

pub(crate) fn database_url(config: &ServerConfig) -> DatabaseUrl {
    config.database.clone().unwrap_or_else(|| DatabaseUrl::sqlite(config.data_dir.join("pintle.db")))
}

/// A listener ends by itself only if it panics.
fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a listener failed; the others go on");
    }
}

fn open_service(
    config: &ServerConfig,
    store: &Store,
    public_url: &BaseUrl,
    (base_url, fail_over): (BaseUrl, Vec<BaseUrl>),
) -> Result<Service, ServerError> {
    let mut buckets: Vec<Arc<dyn Bucket>> = vec![Arc::new(OriginBucket::new(store.clone()))];
    buckets.extend(config.publish_dirs.iter().map(|path| Arc::new(DirectoryBucket::new(path)) as Arc<dyn Bucket>));
    let settings = AccountSettings {
        sign_up: config.accounts.sign_up,
        require_second_factor: config.accounts.require_second_factor,
        require_sso: config.accounts.require_sso,
        public_url: public_url.to_string(),
    };
    let mailer = match &config.smtp {
        Some(smtp) => Some(Arc::new(SmtpMailer::new(smtp, public_url)?) as Arc<dyn Mailer>),
        None => None,
    };
    let make_provider = |(name, provider): (&String, &OidcConfig)| {
        let problem = |problem| ServerError::Oidc { provider: name.clone(), problem };
        Ok(SsoProvider {
            name: name.clone(),
            issuer: provider.issuer.clone(),
            allowed_domains: provider.allowed_domains.clone(),
            provider: Arc::new(OidcProvider::new(provider).map_err(problem)?),
        })
    };
    let providers = config.oidc.iter().map(make_provider).collect::<Result<_, ServerError>>()?;
    let key = secret_key::load(config)?;
    let guard = config.guard.to_settings().map_err(ServerError::GuardRoots)?;
    Ok(Service::new(store.clone(), buckets, base_url)
        .with_fail_over(fail_over)
        .with_plan(config.plan)
        .with_destinations(config.destinations.clone())
        .with_erasure_delay(config.privacy.erase_after_days * 86_400)
        .with_audit_retention(config.audit.retention_days)
        .with_lookups(config.lookup.policy())
        .with_violation_reports(config.reports.enabled)
        .with_decoding(config.decode.enabled)
        .with_guard(guard)
        .with_alerts(config.alerts.to_settings())
        .with_monitor(config.monitor.to_settings(&config.guard))
        .with_ct_watch(config.ct.to_watch()?)
        .with_webhooks(Arc::new(HttpSender::new(config.webhooks.policy())?))
        .with_accounts(settings, key, mailer)
        .with_sso(providers))
}

/// The returned file holds the lock until it is dropped, also when the process dies.
pub(crate) fn lock_data_dir(path: &Path) -> Result<File, ServerError> {
    let unusable = |source| ServerError::DataDir { path: path.to_owned(), source };
    create_private_dir(path).map_err(unusable)?;
    let lock =
        File::options().create(true).truncate(false).write(true).open(path.join("pintle.lock")).map_err(unusable)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(ServerError::DataDirLocked { path: path.to_owned() }),
        Err(TryLockError::Error(source)) => Err(unusable(source)),
    }
}

/// The database holds hashes of tokens and unreleased drafts: not for other users of the machine.
pub(crate) fn create_private_dir(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path)
}

fn resolve_public_url(config: &ServerConfig, address: SocketAddr) -> Result<BaseUrl, ServerError> {
    match &config.public_url {
        Some(url) => Ok(url.clone()),
        None if address.ip().is_loopback() => parse_url(&format!("{}://{address}", scheme(config))),
        None => Err(ServerError::PublicUrlMissing { address: config.listen }),
    }
}

/// The first URL that apps embed, and the others.
fn resolve_cdn_urls(
    config: &ServerConfig,
    doors: &Doors,
    public_url: &BaseUrl,
) -> Result<(BaseUrl, Vec<BaseUrl>), ServerError> {
    if let [first, others @ ..] = &config.cdn_urls[..] {
        return Ok((first.clone(), others.to_vec()));
    }
    let own = match doors.cdn_address() {
        Some(address) if address.ip().is_loopback() => parse_url(&format!("{}://{address}/cdn", scheme(config))),
        Some(address) => Err(ServerError::CdnUrlMissing { address }),
        None => parse_url(&format!("{public_url}/cdn")),
    };
    Ok((own?, Vec::new()))
}

fn scheme(config: &ServerConfig) -> &'static str {
    if config.tls.is_some() { "https" } else { "http" }
}

/// `https`, or `http` on loopback for trials (P-1.3).
pub(crate) fn parse_url(text: &str) -> Result<BaseUrl, ServerError> {
    BaseUrl::dangerous_parse_http_loopback(text).map_err(ServerError::Url)
}
