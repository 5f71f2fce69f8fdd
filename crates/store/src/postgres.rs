//! PostgreSQL as the store wants it: sessions that cannot hold anything up for long, whoever dies.

use std::time::Duration;

use sea_orm::{
    ConnectionTrait as _, DatabaseConnection, DbBackend, DbErr, RuntimeErr, SqlxPostgresConnector, Statement,
};
use sqlx::{
    ConnectOptions as _, Connection as _,
    postgres::{PgConnectOptions, PgPoolOptions, PgSslMode},
};

use crate::{
    StoreError,
    open::{ACQUIRE_TIMEOUT, LOCK_TIMEOUT, Pools, READERS},
    url::{DatabaseUrl, is_loopback},
};

/// Name of the lock that one writer holds at a time, in all processes: "pintle" in ASCII. `pg_locks` shows it as
/// `classid` 28777, `objid` 1853123685.
const WRITE_LOCK: u64 = 0x7069_6e74_6c65;
/// How long a statement may run; no question asked in here takes a hundredth of it.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a transaction may stand idle: what a writer that vanished costs the others at most.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a starting instance waits until another has migrated the schema.
const MIGRATION_LOCK_TIMEOUT: Duration = Duration::from_secs(60);

/// Connects and looks whether the database can hold what we store.
pub(crate) async fn open(url: &DatabaseUrl, options: &PgConnectOptions) -> Result<Pools, StoreError> {
    let refused = |source: DbErr| StoreError::Open { database: url.to_string(), source };
    let is_proven = matches!(options.get_ssl_mode(), PgSslMode::VerifyCa | PgSslMode::VerifyFull);
    if options.get_socket().is_none() && !is_loopback(options.get_host()) && !is_proven {
        tracing::warn!(database.url = %url, "sslmode does not make the database prove who it is; use verify-full");
    }
    let writer = connect(options, 1, [("default_transaction_isolation", "read committed"), READ_WRITE]).await;
    let writer = writer.map_err(refused)?;
    let encoding = writer.query_one_raw(Statement::from_string(DbBackend::Postgres, "SHOW server_encoding")).await;
    let encoding: Option<String> =
        encoding.map_err(refused)?.map(|row| row.try_get_by_index(0)).transpose().map_err(refused)?;
    if encoding.as_deref() != Some("UTF8") {
        return Err(StoreError::Encoding { database: url.to_string(), found: encoding.unwrap_or_default() });
    }
    let reader = connect(options, READERS, [("default_transaction_isolation", "repeatable read"), READ_ONLY]).await;
    Ok(Pools { writer, reader: reader.map_err(refused)? })
}

const READ_WRITE: (&str, &str) = ("default_transaction_read_only", "off");
const READ_ONLY: (&str, &str) = ("default_transaction_read_only", "on");

/// Takes the lock, to be held until `tx` ends.
pub(crate) async fn lock_for_writing(tx: &impl sea_orm::ConnectionTrait) -> Result<(), DbErr> {
    tx.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({WRITE_LOCK})")).await.map(drop)
}

/// The same, with a migration's patience: nobody else is served meanwhile, and it may have to rewrite a table.
pub(crate) async fn lock_for_migrating(tx: &impl sea_orm::ConnectionTrait) -> Result<(), DbErr> {
    let set = |name: &str, limit: Duration| format!("SET LOCAL {name} = {};", limit.as_millis());
    let without_limit = set("statement_timeout", Duration::ZERO);
    tx.execute_unprepared(&(without_limit + &set("lock_timeout", MIGRATION_LOCK_TIMEOUT))).await?;
    lock_for_writing(tx).await?;
    // From here on those whose locks are waited for are running instances.
    tx.execute_unprepared(&set("lock_timeout", LOCK_TIMEOUT)).await.map(drop)
}

async fn connect(
    options: &PgConnectOptions,
    connections: u32,
    defaults: [(&str, &str); 2],
) -> Result<DatabaseConnection, DbErr> {
    let named = if options.get_application_name().is_some() {
        options.clone()
    } else {
        options.clone().application_name("pintle")
    };
    let pool = PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // A connection whose statement was abandoned half-way is in use until the server answers; if it never does, a
        // new one takes its place.
        .after_release(|connection, _| {
            Box::pin(async move {
                match tokio::time::timeout(STATEMENT_TIMEOUT, connection.ping()).await {
                    Ok(answer) => answer.map(|()| true),
                    Err(_) => Err(sqlx::Error::PoolTimedOut),
                }
            })
        })
        .connect_with(named.options(defaults).options(limits()).disable_statement_logging())
        .await;
    Ok(SqlxPostgresConnector::from_sqlx_postgres_pool(
        pool.map_err(|error| DbErr::Conn(RuntimeErr::SqlxError(error.into())))?,
    ))
}

/// What the server enforces on every session, so that a client that hangs, dies or is cut off frees its locks.
fn limits() -> [(&'static str, String); 8] {
    let millis = |limit: Duration| limit.as_millis().to_string();
    [
        ("lock_timeout", millis(LOCK_TIMEOUT)),
        ("statement_timeout", millis(STATEMENT_TIMEOUT)),
        ("idle_in_transaction_session_timeout", millis(IDLE_TIMEOUT)),
        ("client_connection_check_interval", "2000".to_owned()),
        ("tcp_keepalives_idle", "10".to_owned()),
        ("tcp_keepalives_interval", "5".to_owned()),
        ("tcp_keepalives_count", "2".to_owned()),
        ("tcp_user_timeout", "20000".to_owned()),
    ]
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::{AccountId, AccountRow, Store};

    async fn add_account(store: &Store) -> Result<(), StoreError> {
        let tx = store.write().await?;
        tx.insert_account(AccountRow { id: AccountId::make(1), name: "ada".into(), created_at: 1.into() }).await?;
        tx.commit().await
    }

    async fn show(tx: &impl sea_orm::ConnectionTrait, setting: &str) -> String {
        let row = tx.query_one_raw(Statement::from_string(DbBackend::Postgres, format!("SHOW {setting}"))).await;
        row.unwrap().unwrap().try_get_by_index(0).unwrap()
    }

    #[tokio::test]
    async fn the_database_bounds_what_a_session_can_hold() {
        let store = Store::open(&pintle_testkit::postgres::make_database().parse().unwrap()).await.unwrap();
        let (reader, writer) = (store.read().await.unwrap(), store.write().await.unwrap());
        for (tx, isolation, read_only) in
            [(reader.connection(), "repeatable read", "on"), (writer.connection(), "read committed", "off")]
        {
            assert_eq!(show(tx, "transaction_isolation").await, isolation);
            assert_eq!(show(tx, "transaction_read_only").await, read_only);
            assert_eq!(show(tx, "lock_timeout").await, "5s");
            assert_eq!(show(tx, "statement_timeout").await, "10s");
            assert_eq!(show(tx, "idle_in_transaction_session_timeout").await, "10s");
            assert_eq!(show(tx, "client_connection_check_interval").await, "2s");
        }
    }

    #[tokio::test]
    #[ignore = "takes the ten seconds after which a writer that hangs is cut off"]
    async fn a_writer_that_hangs_holds_the_others_up_for_ten_seconds_at_most() {
        let url = pintle_testkit::postgres::make_database().parse().unwrap();
        let (hanging, other) = (Store::open(&url).await.unwrap(), Store::open(&url).await.unwrap());
        let begun = Instant::now();
        let tx = hanging.write().await.unwrap();
        assert!(matches!(add_account(&other).await, Err(StoreError::Unavailable(_))), "after five seconds");
        assert!(other.read().await.unwrap().has_no_account().await.unwrap(), "readers do not wait");
        while add_account(&other).await.is_err() {}
        assert!(begun.elapsed() < IDLE_TIMEOUT + LOCK_TIMEOUT, "{:?}", begun.elapsed());
        assert!(matches!(tx.commit().await, Err(StoreError::Unavailable(_))));
        add_account(&hanging).await.expect("it recovers by itself");
    }
}
