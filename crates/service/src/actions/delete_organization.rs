use pintle_api::DeletionResponse;
use pintle_core::UnixTime;
use pintle_store::AuditChain;

use super::delete_project::insert_unpublish_job;
use crate::{
    Actor, AuditAction, Service, ServiceError,
    access::{Permission, find_organization},
    audit::Event,
    step_up::require_fresh_session,
};

impl Service {
    /// Deletes an organization with everything in it: hidden at once, its files leave every target, and everything is
    /// erased for good later, its audit log included.
    ///
    /// # Errors
    /// Those of access.
    pub async fn delete_organization(
        &self,
        actor: &Actor,
        organization: &str,
        now: UnixTime,
    ) -> Result<DeletionResponse, ServiceError> {
        let tx = self.begin_change(actor, now).await?;
        let member = find_organization(&tx, actor, organization, Permission::OwnOrganization).await?;
        require_fresh_session(actor, now)?;
        for project in tx.hide_organization(&member.scope, now.as_secs()).await? {
            insert_unpublish_job(&tx, &project, now).await?;
        }
        let id = member.organization.id.as_str();
        let erased_at = self.insert_erase_job(&tx, id, now).await?;
        // The organization's own log goes with it; that it was there and who ended it stays with the installation.
        let event = |chain| Event::new(chain, AuditAction::OrganizationDeleted, "organization", id);
        tx.record(event(AuditChain::from(&member.scope)).named(&member.organization.name)).await?;
        tx.commit(event(AuditChain::installation())).await?;
        self.wake_jobs();
        tracing::info!(organization.id = id, account.id = %actor.account_id, "organization deleted");
        Ok(DeletionResponse { erased_at: erased_at.as_secs() })
    }
}
