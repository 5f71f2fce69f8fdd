use std::{path::Path, time::Duration};

use sea_orm::{
    DatabaseConnection, DatabaseTransaction, DbErr, SqliteTransactionMode, TransactionOptions, TransactionTrait,
};

use crate::{
    DatabaseUrl, PoolUse, ReadTx, StoreError, WriteTx, postgres,
    schema::Schema,
    sqlite,
    transaction::{Connection, in_time},
    url::Location,
    workload::measure_pool,
};

/// How long a request waits for a free connection before it fails as unavailable.
pub(crate) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a writer waits for the one of another process.
pub(crate) const LOCK_TIMEOUT: Duration = Duration::from_secs(5);
/// Readers do not block each other; more than this only costs memory.
pub(crate) const READERS: u32 = 8;

/// An open database whose schema is up to date. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) pools: Pools,
    schema: Schema,
}

/// One connection that writes, so that the writers of this process queue in order, and several that read.
#[derive(Clone, Debug)]
pub(crate) struct Pools {
    pub(crate) writer: DatabaseConnection,
    pub(crate) reader: DatabaseConnection,
}

impl Store {
    /// Opens the database, checks it and brings its schema up to date. A SQLite file is created where there is none.
    ///
    /// Several processes may open the same PostgreSQL database at once; one of them migrates, the others wait for it.
    ///
    /// # Errors
    /// [`StoreError::Open`], [`StoreError::Corrupt`], [`StoreError::Encoding`], [`StoreError::NewerSchema`],
    /// [`StoreError::Unavailable`].
    pub async fn open(url: &DatabaseUrl) -> Result<Self, StoreError> {
        Self::open_with(url, Schema::CURRENT).await
    }

    /// Opens the SQLite database at `path`; see [`open`](Self::open).
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_sqlite(path: &Path) -> Result<Self, StoreError> {
        Self::open(&DatabaseUrl::sqlite(path)).await
    }

    /// Opens a database to be looked at: one that exists, and that has this program's schema already.
    ///
    /// # Errors
    /// As [`open`](Self::open), and [`StoreError::OlderSchema`].
    pub async fn open_as_it_is(url: &DatabaseUrl) -> Result<Self, StoreError> {
        let store = Self { pools: connect(url).await?, schema: Schema::CURRENT };
        match store.require_current_schema().await {
            Ok(()) => Ok(store),
            Err(error) => {
                store.close().await?;
                Err(error)
            }
        }
    }

    async fn require_current_schema(&self) -> Result<(), StoreError> {
        self.check_ready().await?;
        let (found, known) = (self.load_schema_version().await?, self.schema.version());
        if found < known { Err(StoreError::OlderSchema { found, known }) } else { Ok(()) }
    }

    /// The schema version of the database.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn load_schema_version(&self) -> Result<u64, StoreError> {
        Ok(Schema::load_version(self.read().await?.connection()).await?)
    }

    pub(crate) async fn open_with(url: &DatabaseUrl, schema: Schema) -> Result<Self, StoreError> {
        let pools = connect(url).await?;
        schema.migrate(&pools.writer).await?;
        Ok(Self { pools, schema })
    }

    /// A consistent view of the database as of the first question asked.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn read(&self) -> Result<ReadTx, StoreError> {
        Ok(ReadTx::new(in_time(self.pools.reader.begin()).await?))
    }

    /// Begins a change, once every other change in any process has ended. It happens whole when it is committed, and
    /// not at all when it is dropped.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the others take too long; [`StoreError::NewerSchema`] when a newer program
    /// migrated the database to what this one must not write to.
    pub async fn write(&self) -> Result<WriteTx, StoreError> {
        let tx = Connection::new(in_time(begin_change(&self.pools.writer)).await?);
        if tx.is_postgres() {
            postgres::lock_for_writing(&tx).await?;
        }
        self.schema.check(&tx).await?;
        Ok(WriteTx::new(tx))
    }

    /// Whether the database answers and has a schema that this program can work with.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::NewerSchema`].
    pub async fn check_ready(&self) -> Result<(), StoreError> {
        self.schema.check(self.read().await?.connection()).await
    }

    /// The connections that reading requests share.
    pub fn measure_pool(&self) -> PoolUse {
        measure_pool(&self.pools.reader)
    }

    /// Closes every connection, which folds SQLite's write-ahead log into the database file.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn close(self) -> Result<(), StoreError> {
        self.pools.reader.close().await?;
        self.pools.writer.close().await?;
        Ok(())
    }
}

pub(crate) async fn connect(url: &DatabaseUrl) -> Result<Pools, StoreError> {
    match url.location() {
        Location::Sqlite(path) => sqlite::open(path).await,
        Location::Postgres(options) => postgres::open(url, options).await,
    }
}

/// SQLite takes its write lock at once: a transaction that reads first can then never fail for having to upgrade.
pub(crate) async fn begin_change(writer: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    writer.begin_with_options(options).await
}

#[cfg(test)]
mod tests {
    use sea_orm::EntityTrait as _;

    use super::*;
    use crate::{AccountId, AccountRow, entity::account};

    const CHANGES: usize = 20;

    /// Reads how many accounts there are, and adds one that is named so.
    async fn add_next(store: &Store) {
        let tx = store.write().await.unwrap();
        let count = account::Entity::find().all(tx.connection()).await.unwrap().len();
        // Whoever could come between, does.
        tokio::task::yield_now().await;
        let row = AccountRow { id: AccountId::make(1), name: count.to_string(), created_at: 1.into() };
        tx.insert_account(row).await.unwrap();
        tx.commit().await.unwrap();
    }

    #[tokio::test]
    async fn what_a_change_reads_stays_true_until_it_commits_whoever_else_writes() {
        let folder = tempfile::tempdir().unwrap();
        let on_sqlite = DatabaseUrl::sqlite(folder.path().join("pintle.db"));
        for url in [on_sqlite, pintle_testkit::postgres::make_database().parse().unwrap()] {
            // Two processes: nothing but the database lies between them.
            let (first, second) = (Store::open(&url).await.unwrap(), Store::open(&url).await.unwrap());
            let write = async |store: &Store| {
                for _ in 0..CHANGES {
                    add_next(store).await;
                }
            };
            tokio::join!(write(&first), write(&second));
            let tx = first.read().await.unwrap();
            let accounts = account::Entity::find().all(tx.connection()).await.unwrap();
            let mut numbers: Vec<usize> = accounts.iter().map(|account| account.name.parse().unwrap()).collect();
            numbers.sort_unstable();
            assert!(numbers.into_iter().eq(0..2 * CHANGES), "{url}");
        }
    }
}
