use pintle_api::{DomainResponse, ListResponse};

use crate::{
    Actor, ProjectPath, Service, ServiceError,
    access::{Permission, find_project},
    respond,
};

impl Service {
    /// The domains of the draft with their pins, by name.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Store`].
    pub async fn list_domains(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
    ) -> Result<ListResponse<DomainResponse>, ServiceError> {
        let tx = self.store.read().await?;
        let project = find_project(&tx, actor, path, Permission::Read).await?;
        let domains = tx.list_domains(&project.scope).await?;
        Ok(ListResponse { items: domains.iter().map(respond::domain).collect::<Result<_, _>>()? })
    }
}
