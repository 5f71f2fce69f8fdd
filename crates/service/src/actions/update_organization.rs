use pintle_api::{OrganizationResponse, UpdateOrganizationRequest};
use pintle_core::UnixTime;
use serde_json::json;

use crate::{
    Actor, AuditAction, Service, ServiceError, SsoError,
    access::{Permission, find_organization},
    audit::Event,
    input::check_label,
    respond,
    step_up::require_fresh_session,
};

impl Service {
    /// Gives an organization another name, or has its members come by single sign-on. Whoever demands that has come so
    /// themselves: nobody is locked out by a provider that does not work.
    ///
    /// # Errors
    /// [`ServiceError::ValueInvalid`], [`SsoError::Required`],
    /// [`AccountError::StepUpNeeded`](crate::AccountError::StepUpNeeded), and those of access.
    pub async fn update_organization(
        &self,
        actor: &Actor,
        organization: &str,
        request: &UpdateOrganizationRequest,
        now: UnixTime,
    ) -> Result<OrganizationResponse, ServiceError> {
        let tx = self.begin_change(actor, now).await?;
        let mut member = find_organization(&tx, actor, organization, Permission::ManageOrganization).await?;
        let id = member.organization.id.to_string();
        let event = |action| Event::new(&member.scope, action, "organization", &id);
        if let Some(name) = &request.name {
            check_label("name", name)?;
            let before = std::mem::replace(&mut member.organization.name, name.clone());
            tx.record(event(AuditAction::OrganizationRenamed).named(name).before(json!({ "name": before }))).await?;
        }
        let is_required = member.organization.sso_required_at.is_some();
        if let Some(required) = request.requires_sso.filter(|required| *required != is_required) {
            require_fresh_session(actor, now)?;
            if !actor.counts_as_sso(&member.organization.id) {
                return Err(SsoError::Required.into());
            }
            member.organization.sso_required_at = required.then(|| now.as_secs().into());
            let event = event(AuditAction::SsoRequirementChanged).named(&member.organization.name);
            tx.record(event.before(json!({ "requires_sso": is_required })).after(json!({ "requires_sso": required })))
                .await?;
        }
        tx.save_organization(&member.scope, &member.organization).await?;
        tx.commit_recorded().await?;
        Ok(respond::organization(&member))
    }
}
