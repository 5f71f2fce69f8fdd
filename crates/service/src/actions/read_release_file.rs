use crate::{
    Actor, ProjectPath, Service, ServiceError,
    access::{Permission, find_project},
};

impl Service {
    /// The signed file of a release, byte for byte, whatever became of it.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Store`].
    pub async fn read_release_file(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        version: u64,
    ) -> Result<String, ServiceError> {
        let tx = self.store.read().await?;
        let project = find_project(&tx, actor, path, Permission::Read).await?;
        tx.load_release_file(&project.scope, version).await?.ok_or(ServiceError::NotFound { what: "release" })
    }
}
