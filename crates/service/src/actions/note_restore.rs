use pintle_core::UnixTime;
use pintle_store::AuditChain;
use serde_json::json;

use crate::{AuditAction, Service, ServiceError, audit::Event};

/// How many numbers every project skips. More releases than this since the backup was made would be numbered twice.
const SKIPPED: u64 = 1000;

impl Service {
    /// After a database was restored from a backup: makes sure that no project gives a number again which it may have
    /// given since the backup was made. Devices that saw the lost release refuse another one with its number, and every
    /// lower one (P-3.7).
    ///
    /// Answers how many projects skip numbers; those that released nothing need not.
    ///
    /// # Errors
    /// [`ServiceError::Store`], [`ServiceError::Internal`].
    pub async fn note_restore(&self, now: UnixTime) -> Result<usize, ServiceError> {
        let tx = self.begin_system_change(now).await?;
        let mut skipping = 0;
        for project in tx.list_all_projects().await? {
            let scope = &project.scope;
            let last = tx.find_last_release(scope).await?.map_or(0, |release| release.version.value());
            let last = last.max(tx.find_last_prepared_version(scope).await?.unwrap_or_default());
            if last == 0 {
                continue;
            }
            // Claims that nobody can sign take the number.
            tx.insert_prepared(scope, last + SKIPPED, String::new(), None, now.as_secs()).await?;
            let event = Event::in_project(scope, AuditAction::NumbersSkipped, "project", project.row.id.as_str());
            tx.record(event.before(json!({ "last": last })).after(json!({ "last": last + SKIPPED }))).await?;
            skipping += 1;
        }
        let chain = AuditChain::installation();
        tx.commit(Event::new(chain, AuditAction::InstallationRestored, "installation", "installation")).await?;
        Ok(skipping)
    }
}
