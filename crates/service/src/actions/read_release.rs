use pintle_api::ReleaseResponse;

use crate::{
    Actor, ProjectPath, Service, ServiceError,
    access::{Permission, find_project},
    respond,
};

impl Service {
    /// One release and how far its publication is.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Store`].
    pub async fn read_release(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        version: u64,
    ) -> Result<ReleaseResponse, ServiceError> {
        let tx = self.store.read().await?;
        let project = find_project(&tx, actor, path, Permission::Read).await?;
        let release =
            tx.find_release(&project.scope, version).await?.ok_or(ServiceError::NotFound { what: "release" })?;
        respond::release(&tx, &project.scope, &release).await
    }
}
