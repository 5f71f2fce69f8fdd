use pintle_api::CtLogsResponse;

use crate::{
    Actor, ProjectPath, Service, ServiceError,
    access::{Permission, find_project},
    respond,
};

impl Service {
    /// The Certificate Transparency logs of the draft, by operator and name.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Store`].
    pub async fn read_ct_logs(&self, actor: &Actor, path: ProjectPath<'_>) -> Result<CtLogsResponse, ServiceError> {
        let tx = self.store.read().await?;
        let project = find_project(&tx, actor, path, Permission::Read).await?;
        let draft = tx.find_draft(&project.scope).await?.ok_or(ServiceError::NotFound { what: "draft" })?;
        Ok(respond::ct_logs(&draft, &tx.list_ct_logs(&project.scope).await?))
    }
}
