use std::{path::Path, time::Duration};

use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbErr, RuntimeErr, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
    sqlx::{
        self,
        sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
    },
};

use crate::{ReadTx, StoreError, WriteTx, schema};

/// How long a statement waits for another process that holds the file's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a request waits for a free connection before it fails as unavailable.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// Readers do not block each other; more than this only costs memory.
const READERS: u32 = 8;

/// An open database whose schema is up to date. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Store {
    writer: DatabaseConnection,
    reader: DatabaseConnection,
}

impl Store {
    /// Opens the SQLite database at `path`, creates it where there is none, checks it and brings its schema up to date.
    ///
    /// # Errors
    /// [`StoreError::Open`], [`StoreError::Corrupt`], [`StoreError::NewerSchema`], [`StoreError::Unavailable`].
    pub async fn open_sqlite(path: &Path) -> Result<Self, StoreError> {
        let refused = |source: DbErr| match damage(&source) {
            Some(finding) => StoreError::Corrupt { path: path.to_owned(), finding },
            None => StoreError::Open { path: path.to_owned(), source },
        };
        let writer = connect(path, 1).await.map_err(refused)?;
        let findings = writer.query_all_raw(schema::statement("PRAGMA quick_check(1)")).await.map_err(refused)?;
        for finding in findings {
            let finding: String = finding.try_get_by_index(0).map_err(refused)?;
            if finding != "ok" {
                return Err(StoreError::Corrupt { path: path.to_owned(), finding });
            }
        }
        schema::migrate(&writer).await?;
        let reader = connect(path, READERS).await.map_err(refused)?;
        Ok(Self { writer, reader })
    }

    /// A consistent view of the database as of the first question asked.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn read(&self) -> Result<ReadTx, StoreError> {
        Ok(ReadTx::new(self.reader.begin().await?))
    }

    /// Begins a change. It happens whole when it is committed, and not at all when it is dropped.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn write(&self) -> Result<WriteTx, StoreError> {
        // The write lock is taken at once: a transaction that reads first can then never fail for having to upgrade.
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        Ok(WriteTx::new(self.writer.begin_with_options(options).await?))
    }

    /// Whether the database answers and has the schema this program expects.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::NewerSchema`].
    pub async fn check_ready(&self) -> Result<(), StoreError> {
        schema::check_version(&self.reader).await
    }

    /// Closes every connection, which folds SQLite's write-ahead log into the database file.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn close(self) -> Result<(), StoreError> {
        self.reader.close().await?;
        self.writer.close().await?;
        Ok(())
    }
}

async fn connect(path: &Path, connections: u32) -> Result<DatabaseConnection, DbErr> {
    let path = path.to_owned();
    let mut options = ConnectOptions::new("sqlite::memory:");
    options
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .sqlx_logging(false)
        .map_sqlx_sqlite_opts(move |_| {
            SqliteConnectOptions::new()
                .filename(&path)
                .create_if_missing(true)
                .foreign_keys(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .busy_timeout(BUSY_TIMEOUT)
        });
    Database::connect(options).await
}

/// SQLite's words if it says that the file is damaged (SQLITE_CORRUPT) or no database at all (SQLITE_NOTADB).
fn damage(error: &DbErr) -> Option<String> {
    let (DbErr::Conn(RuntimeErr::SqlxError(error))
    | DbErr::Exec(RuntimeErr::SqlxError(error))
    | DbErr::Query(RuntimeErr::SqlxError(error))) = error
    else {
        return None;
    };
    let sqlx::Error::Database(error) = error.as_ref() else { return None };
    matches!(error.code().as_deref(), Some("11" | "26")).then(|| error.message().to_owned())
}
