use pintle_core::UnixTime;
use pintle_store::InvitationId;
use serde_json::json;

use crate::{
    Actor, AuditAction, Service, ServiceError,
    access::{Permission, find_organization},
    audit::Event,
    respond,
};

impl Service {
    /// Takes an invitation back: its code lets nobody in any longer.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], and those of access.
    pub async fn revoke_invitation(
        &self,
        actor: &Actor,
        organization: &str,
        invitation: &str,
        now: UnixTime,
    ) -> Result<(), ServiceError> {
        let tx = self.begin_change(actor, now).await?;
        let own = find_organization(&tx, actor, organization, Permission::ManageMembers).await?;
        let missing = ServiceError::NotFound { what: "invitation" };
        let Ok(id) = InvitationId::parse(invitation) else { return Err(missing) };
        let row = tx.find_invitation(&own.scope, &id).await?.ok_or(missing)?;
        tx.delete_invitation(&own.scope, &id).await?;
        let event = Event::new(&own.scope, AuditAction::InvitationRevoked, "invitation", id.as_str());
        tx.commit(event.before(json!({ "role": respond::role(row.role) }))).await
    }
}
