use pintle_api::{CreateOrganizationRequest, OrganizationResponse, Scope};
use pintle_core::UnixTime;
use pintle_store::{OrganizationId, OrganizationRow};

use crate::{
    Actor, AuditAction, Service, ServiceError, access::require_scope, audit::Event, input::check_label, respond,
};

impl Service {
    /// Creates an organization owned by the actor.
    ///
    /// # Errors
    /// [`ServiceError::ScopeMissing`], [`ServiceError::PlanLimitReached`], [`ServiceError::ValueInvalid`],
    /// [`ServiceError::Store`].
    pub async fn create_organization(
        &self,
        actor: &Actor,
        request: &CreateOrganizationRequest,
        now: UnixTime,
    ) -> Result<OrganizationResponse, ServiceError> {
        require_scope(actor, Scope::Admin)?;
        check_label("name", &request.name)?;
        let organization = OrganizationRow {
            id: OrganizationId::make(now.as_secs()),
            name: request.name.clone(),
            created_at: now.as_secs().into(),
            sso_required_at: None,
        };
        let tx = self.begin_change(actor, now).await?;
        self.plan.check_organizations(&tx, actor).await?;
        let member = tx.insert_organization(organization.clone(), &actor.account_id).await?;
        let event =
            Event::new(&member.scope, AuditAction::OrganizationCreated, "organization", organization.id.as_str());
        tx.commit(event.named(&organization.name)).await?;
        tracing::info!(organization.id = %organization.id, account.id = %actor.account_id, "organization created");
        Ok(respond::organization(&member))
    }
}
