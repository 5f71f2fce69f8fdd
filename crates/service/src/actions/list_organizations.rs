use pintle_api::{ListResponse, OrganizationResponse, Scope};

use crate::{Actor, Service, ServiceError, access::require_scope, respond};

impl Service {
    /// The organizations of the actor, by name.
    ///
    /// # Errors
    /// [`ServiceError::ScopeMissing`], [`ServiceError::Store`].
    pub async fn list_organizations(&self, actor: &Actor) -> Result<ListResponse<OrganizationResponse>, ServiceError> {
        require_scope(actor, Scope::Read)?;
        let members = self.store.read().await?.list_memberships(&actor.account_id).await?;
        Ok(ListResponse { items: members.iter().map(respond::organization).collect() })
    }
}
