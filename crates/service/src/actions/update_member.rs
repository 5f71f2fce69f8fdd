use pintle_api::{MemberResponse, UpdateMemberRequest};
use pintle_core::UnixTime;
use pintle_store::{AccountId, Role};
use serde_json::json;

use crate::{
    Actor, AuditAction, MemberError, Service, ServiceError,
    access::{Permission, find_organization, require_role_within},
    audit::Event,
    change::Change,
    input::store_role,
    respond,
    step_up::require_fresh_session,
};

impl Service {
    /// Gives a member another role. Nobody gives or takes a role that allows more than their own.
    ///
    /// # Errors
    /// [`MemberError::LastOwner`], and those of access.
    pub async fn update_member(
        &self,
        actor: &Actor,
        organization: &str,
        account: &str,
        request: &UpdateMemberRequest,
        now: UnixTime,
    ) -> Result<MemberResponse, ServiceError> {
        let tx = self.begin_change(actor, now).await?;
        let own = find_organization(&tx, actor, organization, Permission::ManageMembers).await?;
        let missing = ServiceError::NotFound { what: "member" };
        let Ok(account) = AccountId::parse(account) else { return Err(missing) };
        let mut member = tx.find_member(&own.scope, &account).await?.ok_or(missing)?;
        let (before, after) = (member.role, store_role(request.role));
        require_role_within(actor, &own, before)?;
        require_role_within(actor, &own, after)?;
        if before == after {
            return Ok(respond::member(&member));
        }
        if after == Role::Owner {
            require_fresh_session(actor, now)?;
        }
        keep_an_owner(&tx, &own.scope, before).await?;
        tx.save_role(&own.scope, &account, after).await?;
        member.role = after;
        let event = Event::new(&own.scope, AuditAction::MemberRoleChanged, "member", account.as_str())
            .personal("target_name", Some(&account), &member.account.name)
            .before(json!({ "role": respond::role(before) }))
            .after(json!({ "role": respond::role(after) }));
        tx.commit(event).await?;
        Ok(respond::member(&member))
    }
}

/// Refuses to take the role `taken` from a member if nobody could manage the organization afterwards. There is one
/// writer at a time: whoever is second sees what the first did.
pub(super) async fn keep_an_owner(
    tx: &Change,
    scope: &pintle_store::OrganizationScope,
    taken: Role,
) -> Result<(), ServiceError> {
    if taken == Role::Owner && tx.count_members(scope, Role::Owner).await? <= 1 {
        return Err(MemberError::LastOwner.into());
    }
    Ok(())
}
