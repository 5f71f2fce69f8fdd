//! The schema and its history: plain SQL files, applied in order and never edited afterwards.

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, SqliteTransactionMode, Statement, TransactionOptions,
    TransactionTrait,
};

use crate::StoreError;

/// Migration `n` of this list leads to schema version `n + 1`.
const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001_initial.sql"),
    include_str!("../migrations/0002_succession.sql"),
    include_str!("../migrations/0003_certificate_transparency.sql"),
    include_str!("../migrations/0004_audit.sql"),
];

const HISTORY: &str = "CREATE TABLE IF NOT EXISTS schema_migration (version BIGINT NOT NULL PRIMARY KEY)";

pub(crate) fn statement(sql: &str) -> Statement {
    Statement::from_string(DbBackend::Sqlite, sql)
}

/// Applies what is missing, in one transaction.
pub(crate) async fn migrate(writer: &DatabaseConnection) -> Result<(), StoreError> {
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    let tx = writer.begin_with_options(options).await?;
    tx.execute_unprepared(HISTORY).await?;
    let applied = load_version(&tx).await?;
    for (version, sql) in (1..).zip(MIGRATIONS).skip_while(|(version, _)| *version <= applied) {
        tx.execute_unprepared(&sql.replace("{{bytes}}", "BLOB")).await?;
        tx.execute_unprepared(&format!("INSERT INTO schema_migration (version) VALUES ({version})")).await?;
        tracing::info!(schema.version = version, "schema migrated");
    }
    tx.commit().await?;
    Ok(())
}

pub(crate) async fn check_version(connection: &DatabaseConnection) -> Result<(), StoreError> {
    load_version(connection).await.map(|_| ())
}

async fn load_version(connection: &impl ConnectionTrait) -> Result<u64, StoreError> {
    let row = connection.query_one_raw(statement("SELECT MAX(version) FROM schema_migration")).await?;
    let newest: Option<i64> = match row {
        Some(row) => row.try_get_by_index(0)?,
        None => None,
    };
    let found = newest.and_then(|version| u64::try_from(version).ok()).unwrap_or_default();
    let known = MIGRATIONS.len() as u64;
    if found > known { Err(StoreError::NewerSchema { found, known }) } else { Ok(found) }
}
