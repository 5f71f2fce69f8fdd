//! The schema and its history: plain SQL files, applied in order and never edited afterwards.
//!
//! Several versions of the program meet one database while an installation with several instances is updated: the first
//! new instance migrates it under the old ones. So a migration *expands* (new tables, new columns with a default, new
//! indexes), which the previous version does not notice; what is no longer needed is taken away by a *contract* in a
//! later version, which names the oldest schema version whose programs it leaves able to work. Older ones stop writing.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement};

use crate::{StoreError, open::begin_change, postgres};

/// Migration `n` of this list leads to schema version `n + 1`.
const MIGRATIONS: &[Migration] = &[
    Migration::expand(include_str!("../migrations/0001_initial.sql")),
    Migration::expand(include_str!("../migrations/0002_succession.sql")),
    Migration::expand(include_str!("../migrations/0003_certificate_transparency.sql")),
    Migration::expand(include_str!("../migrations/0004_audit.sql")),
    Migration::expand(include_str!("../migrations/0005_compatible_versions.sql")),
    Migration::contract(include_str!("../migrations/0006_jobs.sql"), 6),
    Migration::expand(include_str!("../migrations/0007_accounts.sql")),
    Migration::expand(include_str!("../migrations/0008_idempotent_request.sql")),
    Migration::expand(include_str!("../migrations/0009_members.sql")),
    Migration::expand(include_str!("../migrations/0010_release_life.sql")),
    Migration::expand(include_str!("../migrations/0011_deletion.sql")),
    Migration::expand(include_str!("../migrations/0012_second_factors.sql")),
    Migration::expand(include_str!("../migrations/0013_mailed_invitations.sql")),
    Migration::expand(include_str!("../migrations/0014_identities.sql")),
    Migration::expand(include_str!("../migrations/0015_publish_target.sql")),
    Migration::expand(include_str!("../migrations/0016_external_release.sql")),
    Migration::expand(include_str!("../migrations/0017_guard.sql")),
    Migration::expand(include_str!("../migrations/0018_passkeys.sql")),
    Migration::expand(include_str!("../migrations/0019_alerts.sql")),
    Migration::expand(include_str!("../migrations/0020_rotation.sql")),
    Migration::expand(include_str!("../migrations/0021_drift.sql")),
    Migration::contract(include_str!("../migrations/0022_key_ciphertext.sql"), 22),
    Migration::expand(include_str!("../migrations/0023_probe_agent.sql")),
    Migration::expand(include_str!("../migrations/0024_webhooks.sql")),
    Migration::expand(include_str!("../migrations/0025_violations.sql")),
    Migration::expand(include_str!("../migrations/0026_logged_certificate.sql")),
    Migration::expand(include_str!("../migrations/0027_proposed_pin.sql")),
];

const HISTORY: &str = "CREATE TABLE IF NOT EXISTS schema_migration (version BIGINT NOT NULL PRIMARY KEY)";

/// One step of the schema.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Migration {
    sql: &'static str,
    /// Programs that know this schema version or a later one can work beside the new one.
    compatible_from: u64,
}

/// The versions a program knows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schema {
    migrations: &'static [Migration],
}

impl Migration {
    /// Adds what programs that do not know of it need not know of.
    const fn expand(sql: &'static str) -> Self {
        Self { sql, compatible_from: 0 }
    }

    /// Takes away what programs older than schema version `compatible_from` need.
    const fn contract(sql: &'static str, compatible_from: u64) -> Self {
        Self { sql, compatible_from }
    }
}

impl Schema {
    pub(crate) const CURRENT: Self = Self { migrations: MIGRATIONS };

    /// Applies what is missing, in one transaction that no other process can come between.
    pub(crate) async fn migrate(self, writer: &DatabaseConnection) -> Result<(), StoreError> {
        let tx = begin_change(writer).await?;
        let database = tx.get_database_backend();
        if database == DbBackend::Postgres {
            postgres::lock_for_migrating(&tx).await?;
        }
        tx.execute_unprepared(HISTORY).await?;
        let applied = Self::load_version(&tx).await?;
        let missing = (1..).zip(self.migrations).skip_while(|(version, _)| *version <= applied);
        let latest = missing.clone().last();
        for (version, migration) in missing.clone() {
            tx.execute_unprepared(&spell(migration.sql, database)).await?;
            tracing::debug!(schema.version = version, "schema migrated");
        }
        // Afterwards, because the table itself has a history.
        for (version, Migration { compatible_from, .. }) in missing {
            let row = format!(
                "INSERT INTO schema_migration (version, compatible_from) VALUES ({version}, {compatible_from})"
            );
            tx.execute_unprepared(&row).await?;
        }
        self.check(&tx).await?;
        tx.commit().await?;
        if let Some((latest, _)) = latest {
            tracing::info!(schema.from = applied, schema.version = latest, "schema migrated");
        }
        Ok(())
    }

    /// The version of a database that has one.
    pub(crate) async fn load_version(tx: &impl ConnectionTrait) -> Result<u64, DbErr> {
        let sql = "SELECT MAX(version) FROM schema_migration";
        let row = tx.query_one_raw(Statement::from_string(tx.get_database_backend(), sql)).await?;
        Ok(to_version(row.map(|row| row.try_get_by_index(0)).transpose()?.flatten()))
    }

    /// The version this program brings databases to.
    pub(crate) fn version(self) -> u64 {
        self.migrations.len() as u64
    }

    /// Whether this program can work with the database as it is.
    pub(crate) async fn check(self, tx: &impl ConnectionTrait) -> Result<(), StoreError> {
        let sql = "SELECT MAX(version), MAX(COALESCE(compatible_from, version)) FROM schema_migration";
        let row = tx.query_one_raw(Statement::from_string(tx.get_database_backend(), sql)).await?;
        let number = |index| match &row {
            Some(row) => Ok(to_version(row.try_get_by_index(index)?)),
            None => Ok::<_, StoreError>(0),
        };
        let (found, compatible_from, known) = (number(0)?, number(1)?, self.version());
        if found > known && compatible_from > known { Err(StoreError::NewerSchema { found, known }) } else { Ok(()) }
    }
}

fn to_version(number: Option<i64>) -> u64 {
    number.and_then(|version| u64::try_from(version).ok()).unwrap_or_default()
}

/// Text is compared and sorted by its bytes in both databases, whatever language the PostgreSQL server speaks: the same
/// answers, and no index that an update of the system's locales could break.
fn spell(sql: &str, database: DbBackend) -> String {
    match database {
        DbBackend::Postgres => sql.replace("{{bytes}}", "BYTEA").replace(" TEXT", " TEXT COLLATE \"C\""),
        _ => sql.replace("{{bytes}}", "BLOB"),
    }
}

#[cfg(test)]
mod tests;
