use pintle_api::ProjectResponse;

use crate::{
    Actor, ProjectPath, Service, ServiceError,
    access::{Permission, find_project},
    respond,
};

impl Service {
    /// One project and where it stands.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Store`].
    pub async fn read_project(&self, actor: &Actor, path: ProjectPath<'_>) -> Result<ProjectResponse, ServiceError> {
        let tx = self.store.read().await?;
        let project = find_project(&tx, actor, path, Permission::Read).await?;
        respond::project(&tx, &project, &self.list_urls(&tx, &project).await?).await
    }
}
