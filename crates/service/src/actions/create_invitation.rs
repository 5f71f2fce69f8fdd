use pintle_api::{CreateInvitationRequest, CreatedInvitationResponse, InvitationCode};
use pintle_core::UnixTime;
use pintle_store::{InvitationId, InvitationRow};
use serde_json::json;

use crate::{
    Actor, AuditAction, MemberError, Service, ServiceError,
    access::{Permission, find_organization, require_role_within},
    audit::Event,
    hex::write_hex,
    input::{check_email, store_role},
    respond,
};

/// How long an invitation waits.
const LIFETIME_SECS: u64 = 7 * 86_400;
/// A stolen token must not fill mailboxes and tables.
const MAX_OPEN: u64 = 100;

impl Service {
    /// Invites somebody. The code is in the answer alone; whoever shows it is let in, once, within 7 days. Nobody
    /// invites into a role that allows more than their own.
    ///
    /// # Errors
    /// [`MemberError::TooManyInvitations`], [`ServiceError::ValueInvalid`], and those of access.
    pub async fn create_invitation(
        &self,
        actor: &Actor,
        organization: &str,
        request: &CreateInvitationRequest,
        now: UnixTime,
    ) -> Result<CreatedInvitationResponse, ServiceError> {
        if let Some(email) = &request.email {
            check_email("email", email)?;
        }
        let mut random = [0; 32];
        getrandom::fill(&mut random).map_err(|_| ServiceError::Internal("no randomness"))?;
        let code = InvitationCode::make(&random);
        let tx = self.begin_change(actor, now).await?;
        let own = find_organization(&tx, actor, organization, Permission::ManageMembers).await?;
        let role = store_role(request.role);
        require_role_within(actor, &own, role)?;
        if tx.count_invitations(&own.scope, now.as_secs()).await? >= MAX_OPEN {
            return Err(MemberError::TooManyInvitations { limit: MAX_OPEN }.into());
        }
        let row = InvitationRow {
            id: InvitationId::make(now.as_secs()),
            organization_id: own.organization.id.clone(),
            role,
            email: request.email.clone(),
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
        tx.commit(event).await?;
        Ok(CreatedInvitationResponse { invitation: respond::invitation(&row), code })
    }
}
