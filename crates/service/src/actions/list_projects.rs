use pintle_api::{ListQuery, ListResponse, ProjectResponse};

use crate::{
    Actor, Service, ServiceError,
    access::{Permission, find_organization_around},
    page::{close_page, open_page},
    respond,
};

impl Service {
    /// The projects of an organization, as far as the credential reaches, by name and environment.
    ///
    /// # Errors
    /// [`ServiceError::CursorInvalid`], [`ServiceError::NotFound`], [`ServiceError::Store`].
    pub async fn list_projects(
        &self,
        actor: &Actor,
        organization: &str,
        query: &ListQuery,
    ) -> Result<ListResponse<ProjectResponse>, ServiceError> {
        let tx = self.store.read().await?;
        let member = find_organization_around(&tx, actor, organization, Permission::Read).await?;
        let page = open_page(query)?;
        let found = match actor.reach.project() {
            Some(only) => tx.find_project(&member.scope, only).await?.into_iter().collect(),
            None => tx.list_projects(&member.scope, &page).await?,
        };
        let mut projects = Vec::new();
        for project in found {
            projects.push(respond::project(&tx, &project, &self.list_urls(&tx, &project).await?).await?);
        }
        let key = |project: &ProjectResponse| (project.name.clone(), project.environment.clone());
        close_page(&page, projects, key, |project| Ok(project.clone()))
    }
}
