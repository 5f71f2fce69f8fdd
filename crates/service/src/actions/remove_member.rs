use pintle_core::UnixTime;
use pintle_store::AccountId;
use serde_json::json;

use super::update_member::keep_an_owner;
use crate::{
    Actor, AuditAction, Service, ServiceError,
    access::{Permission, find_organization, require_role_within},
    audit::Event,
    respond,
};

impl Service {
    /// Takes a member out of an organization; with the actor's own account, the actor leaves. The account's tokens for
    /// this organization end.
    ///
    /// # Errors
    /// [`MemberError::LastOwner`](crate::MemberError::LastOwner), and those of access.
    pub async fn remove_member(
        &self,
        actor: &Actor,
        organization: &str,
        account: &str,
        now: UnixTime,
    ) -> Result<(), ServiceError> {
        let is_leaving = account == actor.account_id.as_str();
        let (needed, action) = if is_leaving {
            (Permission::Leave, AuditAction::MemberLeft)
        } else {
            (Permission::ManageMembers, AuditAction::MemberRemoved)
        };
        let tx = self.begin_change(actor, now).await?;
        let own = find_organization(&tx, actor, organization, needed).await?;
        let missing = ServiceError::NotFound { what: "member" };
        let Ok(account) = AccountId::parse(account) else { return Err(missing) };
        let member = tx.find_member(&own.scope, &account).await?.ok_or(missing)?;
        require_role_within(actor, &own, member.role)?;
        keep_an_owner(&tx, &own.scope, member.role).await?;
        tx.delete_member(&own.scope, &account).await?;
        let revoked = tx.revoke_bound_tokens(&own.scope, &account, now.as_secs()).await?;
        let event = Event::new(&own.scope, action, "member", account.as_str())
            .personal("target_name", Some(&account), &member.account.name)
            .before(json!({ "role": respond::role(member.role) }))
            .after(json!({ "tokens_revoked": revoked }));
        tx.commit(event).await
    }
}
