use pintle_api::{OrganizationResponse, Scope};

use crate::{Actor, Service, ServiceError, access::find_organization, respond};

impl Service {
    /// One organization.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Store`].
    pub async fn read_organization(
        &self,
        actor: &Actor,
        organization: &str,
    ) -> Result<OrganizationResponse, ServiceError> {
        let tx = self.store.read().await?;
        Ok(respond::organization(&find_organization(&tx, actor, organization, Scope::Read).await?))
    }
}
