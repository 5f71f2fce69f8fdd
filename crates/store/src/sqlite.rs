//! SQLite as the store wants it: WAL, `synchronous=FULL`, foreign keys on, one connection that writes and a pool of
//! readers.

use std::path::Path;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, RuntimeErr, SqlxSqliteConnector, Statement};
use sqlx::{
    ConnectOptions as _,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::{
    StoreError,
    open::{ACQUIRE_TIMEOUT, LOCK_TIMEOUT, Pools, READERS},
};

/// Opens the database at `path`, creates it where there is none, and looks it through.
pub(crate) async fn open(path: &Path) -> Result<Pools, StoreError> {
    // What cannot be made is told by SQLite, which tries next.
    let _exists = make_private(path);
    let refused = |error| refuse(path, error);
    let writer = connect(path, 1).await.map_err(refused)?;
    let check = Statement::from_string(DbBackend::Sqlite, "PRAGMA quick_check(1)");
    for finding in writer.query_all_raw(check).await.map_err(refused)? {
        let finding: String = finding.try_get_by_index(0).map_err(refused)?;
        if finding != "ok" {
            return Err(StoreError::Corrupt { path: path.to_owned(), finding });
        }
    }
    let reader = connect(path, READERS).await.map_err(refused)?;
    Ok(Pools { writer, reader })
}

/// Makes the file, if there is none, for its owner alone, whatever directory it lies in: it holds hashes of passwords and
/// tokens. SQLite writes into an empty file, and gives its logs the same mode.
fn make_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

async fn connect(path: &Path, connections: u32) -> Result<DatabaseConnection, DbErr> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(LOCK_TIMEOUT)
        .disable_statement_logging();
    pool(options, connections).await
}

/// A connection that changes nothing, not even the file's journal mode.
pub(crate) async fn connect_to_read(path: &Path) -> Result<DatabaseConnection, StoreError> {
    connect_as_it_is(path, true).await
}

/// A connection to a database that is there.
pub(crate) async fn connect_to_fold(path: &Path) -> Result<DatabaseConnection, StoreError> {
    connect_as_it_is(path, false).await
}

async fn connect_as_it_is(path: &Path, is_read_only: bool) -> Result<DatabaseConnection, StoreError> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .read_only(is_read_only)
        .busy_timeout(LOCK_TIMEOUT)
        .disable_statement_logging();
    pool(options, 1).await.map_err(|error| refuse(path, error))
}

/// Why the database at `path` cannot be used.
pub(crate) fn refuse(path: &Path, source: DbErr) -> StoreError {
    match damage(&source) {
        Some(finding) => StoreError::Corrupt { path: path.to_owned(), finding },
        None => StoreError::Open { database: path.display().to_string(), source },
    }
}

async fn pool(options: SqliteConnectOptions, connections: u32) -> Result<DatabaseConnection, DbErr> {
    let pool = SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .connect_with(options)
        .await
        .map_err(|error| DbErr::Conn(RuntimeErr::SqlxError(error.into())))?;
    Ok(SqlxSqliteConnector::from_sqlx_sqlite_pool(pool))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AccountId, AccountRow, Store};

    async fn add_account(store: &Store) -> Result<(), StoreError> {
        let tx = store.write().await?;
        let row = AccountRow { id: AccountId::make(1), name: "x".repeat(2000), created_at: 1.into() };
        tx.insert_account(row).await?;
        tx.commit().await
    }

    #[tokio::test]
    async fn a_full_disk_stops_writers_says_so_and_loses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open_sqlite(&folder.path().join("pintle.db")).await.unwrap();
        let limit_pages = async |pages: u32| {
            store.pools.writer.execute_unprepared(&format!("PRAGMA max_page_count = {pages}")).await.unwrap();
        };
        // SQLite takes a number below the current size for that size.
        limit_pages(1).await;
        let mut written = 0;
        let refused = loop {
            match add_account(&store).await {
                Ok(()) => written += 1,
                Err(error) => break error,
            }
        };
        assert!(refused.to_string().contains("full"), "{refused}");
        assert!(matches!(refused, StoreError::Unavailable(_)));
        let count = async || {
            use sea_orm::EntityTrait as _;
            let tx = store.read().await.unwrap();
            crate::entity::account::Entity::find().all(tx.connection()).await.unwrap().len()
        };
        assert_eq!(count().await, written, "what was written is read, and nothing else");
        store.check_ready().await.unwrap();
        limit_pages(u32::MAX - 1).await;
        add_account(&store).await.unwrap();
        assert_eq!(count().await, written + 1);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_new_database_and_its_logs_are_for_their_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let store = Store::open_sqlite(&folder.path().join("pintle.db")).await.unwrap();
        let files = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap());
        let modes: Vec<_> = files.map(|file| file.metadata().unwrap().permissions().mode() & 0o777).collect();
        assert!(modes.len() > 1 && modes.iter().all(|mode| *mode == 0o600), "{modes:?}");
        store.close().await.unwrap();
    }
}
