use std::path::PathBuf;

use sea_orm::{DbErr, SqlErr};

/// Why the database did not do what was asked. Nothing of a failed transaction remains.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file cannot be opened or created, or the server refuses us.
    #[error("the database {database} cannot be opened: {source}")]
    Open {
        /// The file, or the URL without its password.
        database: String,
        /// The database's own words.
        source: DbErr,
    },
    /// The file is no database, or a damaged one.
    #[error("the database {} is damaged: {finding}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What the check found.
        finding: String,
    },
    /// The PostgreSQL database cannot hold every text.
    #[error("the database {database} has the encoding {found}, not UTF8")]
    Encoding {
        /// The URL without its password.
        database: String,
        /// Its encoding.
        found: String,
    },
    /// A newer version of Pintle wrote this database, and it is not compatible with this one.
    #[error("the database has schema version {found}; this program knows versions up to {known}")]
    NewerSchema {
        /// Version of the database.
        found: u64,
        /// Newest version this program knows.
        known: u64,
    },
    /// An older version of Pintle wrote this database, and it was not asked to be migrated.
    #[error("the database has schema version {found}; this program's is {known}")]
    OlderSchema {
        /// Version of the database.
        found: u64,
        /// This program's version.
        known: u64,
    },
    /// A row with this unique name or id is already there.
    #[error("the entry already exists")]
    AlreadyExists,
    /// An earlier part of the change failed, so that none of it could be kept: a mistake in our own code.
    #[error("an earlier part of the change failed; nothing of it was kept")]
    Undone,
    /// The statement failed: disk full, file or server gone, lock not released in time.
    #[error("the database is unavailable: {0}")]
    Unavailable(#[source] DbErr),
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(_)) => Self::AlreadyExists,
            _ => Self::Unavailable(error),
        }
    }
}
