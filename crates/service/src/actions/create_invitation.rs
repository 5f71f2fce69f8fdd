use pintle_api::{CreateInvitationRequest, CreatedInvitationResponse, InvitationCode};
use pintle_core::UnixTime;
use pintle_store::{InvitationId, InvitationRow, Role};
use serde_json::json;

use crate::{
    Actor, AuditAction, MemberError, Service, ServiceError,
    access::{Permission, find_organization, require_role_within},
    actions::account::queue_invitation,
    address::EmailAddress,
    audit::Event,
    hex::write_hex,
    input::store_role,
    random::make_random,
    respond,
    step_up::require_fresh_session,
};

/// How long an invitation waits.
const LIFETIME_SECS: u64 = 7 * 86_400;
/// A stolen token must not fill mailboxes and tables.
const MAX_OPEN: u64 = 100;

impl Service {
    /// Invites somebody. Whoever shows the code is let in, once, within 7 days. Where an address is named and mail is
    /// sent, the code goes there alone: who shows it has read that mailbox, and neither who invites nor a thief of their
    /// token can. Else it is in the answer alone. Nobody invites into a role that allows more than their own.
    ///
    /// # Errors
    /// [`MemberError::TooManyInvitations`], [`AccountError::AddressInvalid`](crate::AccountError::AddressInvalid), and
    /// those of access.
    pub async fn create_invitation(
        &self,
        actor: &Actor,
        organization: &str,
        request: &CreateInvitationRequest,
        now: UnixTime,
    ) -> Result<CreatedInvitationResponse, ServiceError> {
        let address = request.email.as_deref().map(EmailAddress::parse).transpose()?;
        let code = InvitationCode::make(&make_random()?);
        let tx = self.begin_change(actor, now).await?;
        let own = find_organization(&tx, actor, organization, Permission::ManageMembers).await?;
        let role = store_role(request.role);
        require_role_within(actor, &own, role)?;
        if role == Role::Owner {
            require_fresh_session(actor, now)?;
        }
        if tx.count_invitations(&own.scope, now.as_secs()).await? >= MAX_OPEN {
            return Err(MemberError::TooManyInvitations { limit: MAX_OPEN }.into());
        }
        let row = InvitationRow {
            id: InvitationId::make(now.as_secs()),
            organization_id: own.organization.id.clone(),
            role,
            email: address.as_ref().map(|address| address.as_str().to_owned()),
            email_key: address.as_ref().map(|address| address.key().to_owned()),
            prefix: code.prefix().to_owned(),
            secret_sha256: write_hex(&code.sha256()),
            invited_by: actor.account_id.clone(),
            created_at: now.as_secs().into(),
            expires_at: now.saturating_add_secs(LIFETIME_SECS).as_secs().into(),
        };
        tx.insert_invitation(&own.scope, row.clone()).await?;
        let mut event = Event::new(&own.scope, AuditAction::InvitationCreated, "invitation", row.id.as_str())
            .after(json!({ "role": request.role }));
        if let Some(email) = &row.email {
            event = event.personal("target_email", None, email);
        }
        let recipient = address.filter(|_| self.accounts.mailer.is_some());
        if let Some(recipient) = &recipient {
            queue_invitation(&tx, recipient, &row.id, now).await?;
        }
        tx.commit(event).await?;
        self.accounts.mails.notify_one();
        let code = recipient.is_none().then_some(code);
        Ok(CreatedInvitationResponse { invitation: respond::invitation(&row), code })
    }
}
