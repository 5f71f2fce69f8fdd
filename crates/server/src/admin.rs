//! For the operator, on the machine of the server: backing the database up, restoring it, looking through it.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use pintle_api::{AuditExportHeader, OneTimeSecret};
pub use pintle_service::{LinkKind, LostFactors};
use pintle_service::{Service, ServiceError};
use pintle_store::{DatabaseUrl, Store, StoreError, copy_sqlite, fold_sqlite, inspect_sqlite};
use tempfile::{NamedTempFile, TempPath};

use crate::{
    ServerConfig, ServerError,
    clock::now,
    run::{database_url, lock_data_dir, parse_url},
};

/// What a backup is.
#[derive(Clone, Debug)]
pub struct Backup {
    /// The file.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Schema version of the database in it.
    pub schema_version: u64,
}

/// What a restore did.
#[derive(Clone, Debug)]
pub struct Restored {
    /// The database file.
    pub path: PathBuf,
    /// Where the database lies that was there before.
    pub kept: Option<PathBuf>,
    /// How many projects skip release numbers, because devices may have seen some that the backup does not know.
    pub skipping_projects: usize,
}

/// What was looked through, with nothing found wrong.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The database, without its password.
    pub database: String,
    /// Its schema version.
    pub schema_version: u64,
    /// How many projects there are.
    pub projects: usize,
    /// How many releases were verified as a device would.
    pub releases: usize,
}

/// Why it was not done. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdminError {
    /// As when a server starts.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// A rule or the database.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's own words.
        source: io::Error,
    },
    /// Nothing lies where the configuration says that the database is.
    #[error("there is no database {}", path.display())]
    NoDatabase {
        /// Where it was sought.
        path: PathBuf,
    },
    /// A backup does not replace anything.
    #[error("{} is there already", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// PostgreSQL has programs of its own for this.
    #[error("the database is PostgreSQL ({database}), whose own programs make and restore backups")]
    Postgres {
        /// Which.
        database: String,
    },
    /// The database is not what it should be.
    #[error("{database} is damaged: {}", findings.join("; "))]
    Damaged {
        /// Which.
        database: String,
        /// Everything that was found.
        findings: Vec<String>,
    },
}

impl AdminError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Server(error) => error.code(),
            Self::Service(error) => error.code(),
            Self::File { .. } => "file_unusable",
            Self::NoDatabase { .. } => "database_missing",
            Self::Exists { .. } => "file_exists",
            Self::Postgres { .. } => "database_is_postgres",
            Self::Damaged { .. } => "database_corrupt",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Server(error) => error.hint(),
            Self::Service(error) => error.hint().unwrap_or("is the database within reach, and is there space?"),
            Self::File { .. } => "is there space, and may this user read and write there?",
            Self::NoDatabase { .. } => {
                "run it in the directory where the server was started, or say `--data-dir DIR` or `--config FILE` as the server does"
            }
            Self::Exists { .. } => "give every backup a name of its own",
            Self::Postgres { .. } => "docs/operations/backup.md shows how, with pg_dump and pg_restore",
            Self::Damaged { .. } => "restore the newest backup that `pintle admin restore` accepts",
        }
    }
}

impl From<StoreError> for AdminError {
    fn from(error: StoreError) -> Self {
        Self::Server(error.into())
    }
}

/// Writes a copy of the SQLite database, as it is at one moment, to `to`. A server may work with it meanwhile.
///
/// # Errors
/// [`AdminError`].
pub async fn back_up(config: &ServerConfig, to: &Path) -> Result<Backup, AdminError> {
    let database = require_sqlite(config)?;
    require_database(config)?;
    if to.exists() {
        return Err(AdminError::Exists { path: to.to_owned() });
    }
    let (copy, schema_version) = copy_and_inspect(&database, folder_of(to)).await?;
    let bytes = fs::metadata(&copy).map_err(|source| AdminError::File { path: to.to_owned(), source })?.len();
    copy.persist_noclobber(to).map_err(|error| match error.error.kind() {
        io::ErrorKind::AlreadyExists => AdminError::Exists { path: to.to_owned() },
        _ => AdminError::File { path: to.to_owned(), source: error.error },
    })?;
    sync_folder(folder_of(to))?;
    Ok(Backup { path: to.to_owned(), bytes, schema_version })
}

/// Puts the backup `from` in the place of the SQLite database, which no server uses; what was there is kept beside it.
/// The database is brought up to this program's schema.
///
/// # Errors
/// [`AdminError`].
pub async fn restore(config: &ServerConfig, from: &Path) -> Result<Restored, AdminError> {
    let path = require_sqlite(config)?;
    let folder = folder_of(&path);
    let _lock = lock_data_dir(folder)?;
    let (copy, _) = copy_and_inspect(from, folder).await?;
    let store = Store::open_sqlite(&copy).await?;
    let service = open_service(config, &store)?;
    let check = service.check_releases().await?;
    if !check.findings.is_empty() {
        return Err(AdminError::Damaged { database: from.display().to_string(), findings: check.findings });
    }
    let skipping_projects = service.note_restore(now()).await?;
    store.close().await?;
    let kept = set_aside(&path).await?;
    copy.persist(&path).map_err(|error| AdminError::File { path: path.clone(), source: error.error })?;
    sync_folder(folder)?;
    Ok(Restored { path, kept, skipping_projects })
}

/// After PostgreSQL's own programs restored a database: what [`restore`] does besides copying. Answers how many projects
/// skip release numbers.
///
/// # Errors
/// [`AdminError`].
pub async fn after_restore(config: &ServerConfig) -> Result<usize, AdminError> {
    let store = Store::open(&require_database(config)?).await?;
    let skipping = open_service(config, &store)?.note_restore(now()).await?;
    store.close().await?;
    Ok(skipping)
}

/// Looks through the whole database and verifies every release in it, changing nothing. Servers may work with it
/// meanwhile.
///
/// # Errors
/// [`AdminError::Damaged`] with everything that was found, and the others.
pub async fn check(config: &ServerConfig) -> Result<Checked, AdminError> {
    let url = require_database(config)?;
    let damaged = |findings| AdminError::Damaged { database: url.to_string(), findings };
    if let Some(path) = url.sqlite_path() {
        let inspection = inspect_sqlite(path).await?;
        if !inspection.findings.is_empty() {
            return Err(damaged(inspection.findings));
        }
    }
    let store = Store::open_as_it_is(&url).await?;
    let schema_version = store.load_schema_version().await?;
    let check = open_service(config, &store)?.check_releases().await?;
    store.close().await?;
    if check.findings.is_empty() {
        let (projects, releases) = (check.projects, check.releases);
        Ok(Checked { database: url.to_string(), schema_version, projects, releases })
    } else {
        Err(damaged(check.findings))
    }
}

/// The database that is there: opened without a look, a path that leads elsewhere would begin a new one.
fn require_database(config: &ServerConfig) -> Result<DatabaseUrl, AdminError> {
    let url = database_url(config);
    match url.sqlite_path() {
        Some(path) if !path.exists() => Err(AdminError::NoDatabase { path: path.to_owned() }),
        _ => Ok(url),
    }
}

fn require_sqlite(config: &ServerConfig) -> Result<PathBuf, AdminError> {
    let url = database_url(config);
    url.sqlite_path().map(Path::to_owned).ok_or_else(|| AdminError::Postgres { database: url.to_string() })
}

/// Makes a code for an address, to be handed over. A server may work with the database meanwhile.
///
/// # Errors
/// [`AdminError`].
pub async fn make_link(config: &ServerConfig, email: &str, kind: LinkKind<'_>) -> Result<OneTimeSecret, AdminError> {
    let store = Store::open(&require_database(config)?).await?;
    let secret = open_service(config, &store)?.make_link(email, kind, now()).await?;
    store.close().await?;
    Ok(secret)
}

/// Takes away what somebody lost: their authenticator, and their passkeys if need be. A server may work with the database
/// meanwhile.
///
/// # Errors
/// [`AdminError`].
pub async fn remove_lost_factors(config: &ServerConfig, who: &str, lost: LostFactors) -> Result<(), AdminError> {
    let store = Store::open(&require_database(config)?).await?;
    open_service(config, &store)?.remove_lost_factors(who, lost, now()).await?;
    store.close().await?;
    Ok(())
}

/// The audit log of the installation as JSON Lines, in the form of every export: `pintle audit verify` proves it. Servers
/// may work with the database meanwhile.
///
/// # Errors
/// [`AdminError`].
pub async fn export_audit(config: &ServerConfig) -> Result<String, AdminError> {
    let store = Store::open(&require_database(config)?).await?;
    let audit = open_service(config, &store)?.export_installation_audit().await?;
    store.close().await?;
    let header = AuditExportHeader { pintle_audit_export: 1, is_complete: true, chain: audit.chain };
    let mut lines = write_line(&header)?;
    for event in &audit.events {
        lines.push_str(&write_line(event)?);
    }
    Ok(lines)
}

fn write_line(value: &impl serde::Serialize) -> Result<String, ServiceError> {
    let line = serde_json::to_string(value).map_err(|_| ServiceError::Internal("an event is JSON"))?;
    Ok(line + "\n")
}

/// It publishes nothing, and its base URL says nothing about a signature.
fn open_service(config: &ServerConfig, store: &Store) -> Result<Service, AdminError> {
    let configured = config.cdn_urls.first().cloned().or_else(|| config.public_url.clone());
    let base_url = configured.map_or_else(|| parse_url("http://127.0.0.1/cdn"), Ok)?;
    Ok(Service::new(store.clone(), Vec::new(), base_url))
}

/// A copy of the database `from` in `folder`, found to be whole; it is removed unless it is made to stay.
async fn copy_and_inspect(from: &Path, folder: &Path) -> Result<(TempPath, u64), AdminError> {
    let unusable = |source| AdminError::File { path: folder.to_owned(), source };
    // For the user alone from the beginning; SQLite writes into an empty file.
    let file = NamedTempFile::new_in(folder).map_err(unusable)?;
    copy_sqlite(from, file.path()).await?;
    file.as_file().sync_all().map_err(unusable)?;
    let inspection = inspect_sqlite(file.path()).await?;
    if !inspection.findings.is_empty() {
        return Err(AdminError::Damaged { database: from.display().to_string(), findings: inspection.findings });
    }
    Ok((file.into_temp_path(), inspection.schema_version))
}

/// Gives the database that is there, if there is one, a second name beside its own. At its own name stays a database until
/// another replaces it, whenever the machine stops: no server must find none and begin anew.
async fn set_aside(path: &Path) -> Result<Option<PathBuf>, AdminError> {
    if !path.exists() {
        return Ok(None);
    }
    // Folds the write-ahead log into the file. Where that fails, which is why one restores, the log is set aside as well:
    // it must not be taken for one of the database that comes.
    if let Err(error) = fold_sqlite(path).await {
        tracing::warn!(%error, "the database that is replaced is damaged; it is kept as it is");
    }
    let kept = with_suffix(path, &format!(".replaced-{}", now().as_secs()));
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| AdminError::File { path, source }
    };
    for suffix in ["-wal", "-shm"] {
        let log = with_suffix(path, suffix);
        if log.exists() {
            fs::rename(&log, with_suffix(&kept, suffix)).map_err(failed(&log))?;
        }
    }
    fs::hard_link(path, &kept).or_else(|_| fs::copy(path, &kept).map(drop)).map_err(failed(&kept))?;
    Ok(Some(kept))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A name is on the disk once its folder is.
fn sync_folder(folder: &Path) -> Result<(), AdminError> {
    let sync = fs::File::open(folder).and_then(|folder| folder.sync_all());
    sync.map_err(|source| AdminError::File { path: folder.to_owned(), source })
}
