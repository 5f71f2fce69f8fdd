use pintle_core::UnixTime;
use pintle_store::AuditChain;
use serde_json::json;

use crate::{AuditAction, Service, ServiceError, audit::Event};

/// Removed in one transaction; others wait no longer than that.
const BATCH: u64 = 1000;
/// How long it is remembered what the world showed of releases.
const DRIFT_HISTORY_SECS: u64 = 365 * 86_400;
/// How long sums of violations are kept.
const VIOLATIONS_SECS: u64 = 90 * 86_400;

impl Service {
    /// Removes what was kept long enough: events older than the audit log's retention, what the drift monitor saw a year ago,
    /// what apps reported three months ago, and invitations that expired. A chain that loses its beginning gets an `audit.checkpoint` event, which says where it goes on, so that it stays verifiable.
    /// How many events were removed. Safe to call from several places.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn remove_old_events(&self, now: UnixTime) -> Result<u64, ServiceError> {
        let tx = self.begin_system_change(now).await?;
        tx.delete_expired_invitations(now.as_secs()).await?;
        let seen_before = now.as_secs().saturating_sub(DRIFT_HISTORY_SECS);
        tx.delete_old_drift_changes(seen_before).await?;
        tx.delete_old_observed_certificates(seen_before).await?;
        tx.delete_violations_before(now.as_secs().saturating_sub(VIOLATIONS_SECS)).await?;
        tx.commit_recorded().await?;
        let cutoff_secs = now.as_secs().saturating_sub(self.audit_retention_secs);
        let chains = self.store.read().await?.list_audit_chains().await?;
        let mut total = 0;
        for chain in chains {
            loop {
                let removed = self.remove_oldest(&chain, cutoff_secs, now).await?;
                total += removed;
                if removed < BATCH {
                    break;
                }
            }
        }
        Ok(total)
    }

    async fn remove_oldest(&self, chain: &AuditChain, cutoff_secs: u64, now: UnixTime) -> Result<u64, ServiceError> {
        let tx = self.begin_system_change(now).await?;
        let Some(last) = tx.find_audit_event_to_remove(chain, cutoff_secs, BATCH).await? else { return Ok(0) };
        let summary = json!({ "seq": last.seq.value(), "hash": last.hash });
        let event = Event::new(chain.clone(), AuditAction::AuditCheckpoint, "chain", chain.as_str());
        tx.record(event.after(summary)).await?;
        let removed = tx.remove_audit_events(chain, &last).await?;
        tx.commit_recorded().await?;
        tracing::info!(audit.chain = chain.as_str(), audit.removed = removed, "events past their retention removed");
        Ok(removed)
    }
}
