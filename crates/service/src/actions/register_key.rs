use pintle_api::{ProjectResponse, RegisterKeyRequest, Scope};

use crate::{Actor, ProjectPath, Service, ServiceError, access::find_project, claims::parse_root, respond};

impl Service {
    /// Registers the public signing key, or replaces it while no app can rely on it yet. What was prepared for the old
    /// key is voided.
    ///
    /// # Errors
    /// [`ServiceError::KeyFixed`] once there is a release, [`ServiceError::KeyInvalid`], and those of access.
    pub async fn register_key(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        request: &RegisterKeyRequest,
    ) -> Result<ProjectResponse, ServiceError> {
        let tx = self.store.write().await?;
        let project = find_project(&tx, actor, path, Scope::Admin).await?;
        if tx.find_last_release(&project.scope).await?.is_some() {
            return Err(ServiceError::KeyFixed);
        }
        let recovery_key = request.recovery_key.as_deref();
        let root = parse_root(&project, &self.base_url, &request.public_key, recovery_key)?;
        tx.save_keys(&project.scope, &request.public_key, recovery_key).await?;
        if let Some(version) = tx.find_last_prepared_version(&project.scope).await? {
            tx.delete_prepared_up_to(&project.scope, version).await?;
        }
        let project = find_project(&tx, actor, path, Scope::Admin).await?;
        let answer = respond::project(&tx, &project, &self.base_url).await?;
        tx.commit().await?;
        tracing::info!(project.id = %project.row.id, key.kid = %root.public_key().kid(), "key registered");
        Ok(answer)
    }
}
