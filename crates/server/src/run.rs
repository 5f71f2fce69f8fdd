use std::{
    fs::{self, File, TryLockError},
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use pintle_core::root::{BaseUrl, UrlError};
use pintle_publish::{Bucket, DirectoryBucket};
use pintle_service::{FirstRun, OriginBucket, Service, ServiceError};
use pintle_store::{DatabaseUrl, Store, StoreError};
use tokio::{net::TcpListener, sync::watch};

use crate::{
    ServerConfig,
    app::{self, App},
    clock::now,
    jobs,
    listen::{self, Limits},
};

/// How long the running job may take to finish once the server stops.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// What a caller learns once the server listens.
#[derive(Debug)]
pub struct Ready {
    /// The address it listens on, with the real port.
    pub address: SocketAddr,
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
    /// No usable URL follows from `public_url` or the address.
    #[error("`public_url`: {0}")]
    Url(#[source] UrlError),
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
            Self::Store(StoreError::Encoding { .. }) => "database_encoding",
            Self::Store(_) => "database_unavailable",
            Self::Listen { .. } => "listen_failed",
            Self::PublicUrlMissing { .. } => "public_url_missing",
            Self::Url(_) => "url_invalid",
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
            Self::Store(StoreError::Encoding { .. }) => {
                "make a database with `createdb --template=template0 --encoding=UTF8 NAME`"
            }
            Self::Store(_) | Self::SetUp(_) => {
                "SQLite: check the disk and the permissions of the data directory; PostgreSQL: is it running, and do \
                 address, user and password in the URL lead to it?"
            }
            Self::Listen { .. } => "is the port taken by another program? choose another address or port",
            Self::PublicUrlMissing { .. } => "set it to the https URL under which clients reach this server",
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
    let database = config.database.clone();
    let database = database.unwrap_or_else(|| DatabaseUrl::sqlite(config.data_dir.join("pintle.db")));
    let _lock = database.sqlite_path().and_then(Path::parent).map(lock_data_dir).transpose()?;
    let (listener, address) = bind(config.listen).await?;
    let public_url = resolve_public_url(&config, address)?;
    let base_url = match &config.cdn_url {
        Some(url) => url.clone(),
        None => parse_url(&format!("{public_url}/cdn"))?,
    };
    let store = Store::open(&database).await?;
    let mut buckets: Vec<Arc<dyn Bucket>> = vec![Arc::new(OriginBucket::new(store.clone()))];
    buckets.extend(config.publish_dirs.iter().map(|path| Arc::new(DirectoryBucket::new(path)) as Arc<dyn Bucket>));
    let service = Arc::new(Service::new(store.clone(), buckets, base_url));
    let first_run = service.set_up(now()).await.map_err(ServerError::SetUp)?;

    let (stop, stopping) = watch::channel(false);
    let mut running_jobs = tokio::spawn(jobs::run_jobs(Arc::clone(&service), stopping));
    tracing::info!(server.address = %address, server.public_url = %public_url, "listening");
    on_ready(Ready { address, public_url: public_url.to_string(), first_run });
    let router = app::router(App { service, served: Arc::default() });
    let limits = Limits { connections: config.http.connections, ..Limits::default() };
    listen::serve(listener, router, &limits, shutdown).await;
    stop.send_replace(true);
    if tokio::time::timeout(DRAIN_TIMEOUT, &mut running_jobs).await.is_err() {
        running_jobs.abort();
        tracing::warn!("the running job did not finish in time; it is taken up again at the next start");
    }
    store.close().await?;
    tracing::info!("stopped");
    Ok(())
}

async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), ServerError> {
    let refused = |source| ServerError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    Ok((listener, address))
}

/// The returned file holds the lock until it is dropped, also when the process dies.
fn lock_data_dir(path: &Path) -> Result<File, ServerError> {
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
fn create_private_dir(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path)
}

fn resolve_public_url(config: &ServerConfig, address: SocketAddr) -> Result<BaseUrl, ServerError> {
    match &config.public_url {
        Some(url) => Ok(url.clone()),
        None if address.ip().is_loopback() => parse_url(&format!("http://{address}")),
        None => Err(ServerError::PublicUrlMissing { address: config.listen }),
    }
}

/// `https`, or `http` on loopback for trials (P-1.3).
fn parse_url(text: &str) -> Result<BaseUrl, ServerError> {
    BaseUrl::dangerous_parse_http_loopback(text).map_err(ServerError::Url)
}
