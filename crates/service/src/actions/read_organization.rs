use pintle_api::OrganizationResponse;

use crate::{
    Actor, Service, ServiceError,
    access::{Permission, find_organization_around},
    respond,
};

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
        Ok(respond::organization(&find_organization_around(&tx, actor, organization, Permission::Read).await?))
    }
}
