use pintle_api::{AcceptInvitationRequest, OrganizationResponse, Scope};
use pintle_core::UnixTime;
use pintle_store::{AuditChain, OpenInvitation, ReadTx, StoreError};
use serde_json::json;
use subtle::ConstantTimeEq;

use crate::{
    Actor, AuditAction, MemberError, Permission, Service, ServiceError,
    access::{includes, require_scope},
    audit::Event,
    change::Change,
    hex::write_hex,
    respond,
};

impl Service {
    /// Makes the actor a member of the organization that the code belongs to. A code is good once, for 7 days, and only
    /// while who invited could still do so.
    ///
    /// # Errors
    /// [`MemberError::InvitationInvalid`], [`MemberError::AlreadyMember`], and those of access.
    pub async fn accept_invitation(
        &self,
        actor: &Actor,
        request: &AcceptInvitationRequest,
        now: UnixTime,
    ) -> Result<OrganizationResponse, ServiceError> {
        require_scope(actor, Scope::Admin)?;
        let tx = self.begin_change(actor, now).await?;
        let found = tx.find_invitation_by_prefix(request.code.prefix()).await?;
        let hash = write_hex(&request.code.sha256());
        let found = found
            .filter(|found| found.row.secret_sha256.as_bytes().ct_eq(hash.as_bytes()).into())
            .ok_or(MemberError::InvitationInvalid)?;
        if !is_good(&tx, &found, now).await? {
            return Err(MemberError::InvitationInvalid.into());
        }
        let OpenInvitation { row, scope, .. } = found;
        match tx.insert_member(&scope, &actor.account_id, row.role, now.as_secs()).await {
            Err(StoreError::AlreadyExists) => return Err(MemberError::AlreadyMember.into()),
            added => added?,
        }
        tx.delete_invitation(&scope, &row.id).await?;
        let chain = AuditChain::from(&scope);
        // Now it is known whose address it was, so that it is erased with the account.
        tx.attribute_personal(&chain, row.id.as_str(), "target_email", &actor.account_id).await?;
        let member = find_new_member(&tx, actor, &row.organization_id).await?;
        let event = Event::new(chain, AuditAction::InvitationAccepted, "invitation", row.id.as_str());
        tx.commit(event.after(json!({ "role": respond::role(row.role) }))).await?;
        Ok(respond::organization(&member))
    }
}

/// Whether an invitation still counts: it has not expired, and who invited could still do so.
pub(super) async fn is_good(tx: &ReadTx, found: &OpenInvitation, now: UnixTime) -> Result<bool, ServiceError> {
    let row = &found.row;
    let inviter = tx.find_member(&found.scope, &row.invited_by).await?.map(|inviter| inviter.role);
    let may_invite = |role| Permission::ManageMembers.roles().contains(&role) && includes(role, row.role);
    Ok(now.as_secs() < row.expires_at.value() && inviter.is_some_and(may_invite))
}

/// Whether an invitation that still counts names the address with this key.
pub(super) async fn is_invited(tx: &ReadTx, key: &str, now: UnixTime) -> Result<bool, ServiceError> {
    for found in tx.list_invitations_for(key, now.as_secs()).await? {
        if is_good(tx, &found, now).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn find_new_member(
    tx: &Change,
    actor: &Actor,
    organization: &pintle_store::OrganizationId,
) -> Result<pintle_store::Membership, ServiceError> {
    let member = tx.find_membership(&actor.account_id, organization).await?;
    member.ok_or(ServiceError::Internal("a member who was just added"))
}
