use pintle_api::DeletionResponse;
use pintle_core::UnixTime;
use pintle_store::Page;

use crate::{
    Actor, AuditAction, Service, ServiceError, actions::update_member::keep_an_owner, audit::Event,
    step_up::require_recent_authentication,
};

impl Service {
    /// Deletes the actor's account: what it signs in with, its tokens, memberships, address and name go at once; what the
    /// audit log says of the person goes for good later. Organizations stay, so each must keep an owner.
    ///
    /// # Errors
    /// [`MemberError::LastOwner`](crate::MemberError::LastOwner),
    /// [`AccountError::PersonNeeded`](crate::AccountError::PersonNeeded),
    /// [`AccountError::StepUpNeeded`](crate::AccountError::StepUpNeeded), [`ServiceError::Store`].
    pub async fn delete_account(&self, actor: &Actor, now: UnixTime) -> Result<DeletionResponse, ServiceError> {
        require_recent_authentication(actor, now)?;
        let account = &actor.account_id;
        let tx = self.begin_change(actor, now).await?;
        for member in tx.list_memberships(account, &Page { after: None, limit: i64::MAX.unsigned_abs() }).await? {
            keep_an_owner(&tx, &member.scope, member.role).await?;
        }
        let event = |chain| Event::new(chain, AuditAction::AccountDeleted, "account", account.as_str());
        tx.record_of_account(account, event).await?;
        tx.hide_account(account).await?;
        let erased_at = self.insert_erase_job(&tx, account.as_str(), now).await?;
        tx.commit_recorded().await?;
        self.wake_jobs();
        tracing::info!(account.id = %account, "account deleted");
        Ok(DeletionResponse { erased_at: erased_at.as_secs() })
    }
}
