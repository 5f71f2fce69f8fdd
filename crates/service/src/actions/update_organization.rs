use pintle_api::{OrganizationResponse, UpdateOrganizationRequest};
use pintle_core::UnixTime;
use serde_json::json;

use crate::{
    Actor, AuditAction, Service, ServiceError,
    access::{Permission, find_organization},
    audit::Event,
    input::check_label,
    respond,
};

impl Service {
    /// Gives an organization another name.
    ///
    /// # Errors
    /// [`ServiceError::ValueInvalid`], and those of access.
    pub async fn update_organization(
        &self,
        actor: &Actor,
        organization: &str,
        request: &UpdateOrganizationRequest,
        now: UnixTime,
    ) -> Result<OrganizationResponse, ServiceError> {
        check_label("name", &request.name)?;
        let tx = self.begin_change(actor, now).await?;
        let mut member = find_organization(&tx, actor, organization, Permission::ManageOrganization).await?;
        tx.save_organization_name(&member.scope, &request.name).await?;
        let before = std::mem::replace(&mut member.organization.name, request.name.clone());
        let id = member.organization.id.as_str();
        let event = Event::new(&member.scope, AuditAction::OrganizationRenamed, "organization", id);
        tx.commit(event.named(&request.name).before(json!({ "name": before }))).await?;
        Ok(respond::organization(&member))
    }
}
