use pintle_api::{DomainResponse, ListQuery, ListResponse};

use crate::{
    Actor, ProjectPath, Service, ServiceError,
    access::{Permission, find_project},
    page::{close_page, open_page},
    respond,
};

impl Service {
    /// The domains of the draft with their pins, by name.
    ///
    /// # Errors
    /// [`ServiceError::CursorInvalid`], [`ServiceError::NotFound`], [`ServiceError::Store`].
    pub async fn list_domains(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        query: &ListQuery,
    ) -> Result<ListResponse<DomainResponse>, ServiceError> {
        let tx = self.store.read().await?;
        let project = find_project(&tx, actor, path, Permission::Read).await?;
        let page = open_page(query)?;
        let domains = tx.list_domain_page(&project.scope, &page).await?;
        close_page(&page, domains, |domain| domain.row.name.clone(), respond::domain)
    }
}
