use pintle_api::{ListResponse, ProjectResponse};

use crate::{
    Actor, Service, ServiceError,
    access::{Permission, find_organization},
    respond,
};

impl Service {
    /// The projects of an organization, by name and environment.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Store`].
    pub async fn list_projects(
        &self,
        actor: &Actor,
        organization: &str,
    ) -> Result<ListResponse<ProjectResponse>, ServiceError> {
        let tx = self.store.read().await?;
        let member = find_organization(&tx, actor, organization, Permission::Read).await?;
        let mut items = Vec::new();
        for project in tx.list_projects(&member.scope).await? {
            items.push(respond::project(&tx, &project, &self.base_url).await?);
        }
        Ok(ListResponse { items })
    }
}
