//! Copies of a SQLite database, and what can be said of one without changing it.

use std::path::Path;

use sea_orm::{ConnectionTrait as _, DbBackend, DbErr, Statement};

use crate::{StoreError, schema::Schema, sqlite};

/// A problem is told once; a damaged file has thousands.
const MAX_FINDINGS: usize = 100;

/// What a database file is found to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// Its schema version.
    pub schema_version: u64,
    /// What is wrong with it, in SQLite's words; at most a hundred.
    pub findings: Vec<String>,
}

/// Copies the SQLite database at `from`, as it is at one moment, into `into`, which is missing or an empty file. Servers
/// may work with it meanwhile.
///
/// # Errors
/// [`StoreError::Open`], [`StoreError::Corrupt`], [`StoreError::Unavailable`]; `into` is then worth nothing.
pub async fn copy_sqlite(from: &Path, into: &Path) -> Result<(), StoreError> {
    let source = sqlite::connect_to_read(from).await?;
    let Some(path) = into.to_str() else {
        let source = DbErr::Custom("its path is not Unicode".to_owned());
        return Err(StoreError::Open { database: into.display().to_string(), source });
    };
    let copy = Statement::from_sql_and_values(DbBackend::Sqlite, "VACUUM INTO ?", [path.into()]);
    source.execute_raw(copy).await.map_err(|error| sqlite::refuse(from, error))?;
    Ok(source.close().await?)
}

/// Looks through the whole SQLite database at `path`, changing nothing: every page, every index, every reference.
///
/// # Errors
/// [`StoreError::Open`], [`StoreError::Corrupt`] when it is no database at all, [`StoreError::Unavailable`] when it is
/// none of ours.
pub async fn inspect_sqlite(path: &Path) -> Result<Inspection, StoreError> {
    let database = sqlite::connect_to_read(path).await?;
    let refused = |error| sqlite::refuse(path, error);
    let ask = async |sql: &str| database.query_all_raw(Statement::from_string(DbBackend::Sqlite, sql)).await;
    let mut findings = Vec::new();
    for row in ask(&format!("PRAGMA integrity_check({MAX_FINDINGS})")).await.map_err(refused)? {
        let finding: String = row.try_get_by_index(0).map_err(refused)?;
        findings.extend((finding != "ok").then_some(finding));
    }
    for row in ask("PRAGMA foreign_key_check").await.map_err(refused)?.into_iter().take(MAX_FINDINGS) {
        let (from, to): (String, String) = (row.try_get_by_index(0)?, row.try_get_by_index(2)?);
        findings.push(format!("a row of {from} names one of {to} that is not there"));
    }
    let schema_version = Schema::load_version(&database).await.map_err(refused)?;
    database.close().await?;
    Ok(Inspection { schema_version, findings })
}

/// Brings everything that SQLite's write-ahead log holds into the database file at `path`, and removes the log.
///
/// # Errors
/// [`StoreError::Open`], [`StoreError::Corrupt`], [`StoreError::Unavailable`] when somebody else uses it.
pub async fn fold_sqlite(path: &Path) -> Result<(), StoreError> {
    let database = sqlite::connect_to_fold(path).await?;
    let fold = Statement::from_string(DbBackend::Sqlite, "PRAGMA wal_checkpoint(TRUNCATE)");
    database.query_all_raw(fold).await.map_err(|error| sqlite::refuse(path, error))?;
    Ok(database.close().await?)
}
