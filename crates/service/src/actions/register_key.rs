use pintle_api::{ProjectResponse, RegisterKeyRequest};
use pintle_core::UnixTime;
use serde_json::json;

use super::keep_key::forget_key;
use crate::{
    Actor, AuditAction, ProjectPath, Service, ServiceError,
    access::{Permission, find_project},
    audit::Event,
    claims::parse_root,
    respond,
};

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
        now: UnixTime,
    ) -> Result<ProjectResponse, ServiceError> {
        let tx = self.begin_change(actor, now).await?;
        let project = find_project(&tx, actor, path, Permission::ManageKeys).await?;
        // Whatever became of a release, it stays verifiable.
        if tx.find_last_version(&project.scope).await?.is_some() {
            return Err(ServiceError::KeyFixed);
        }
        let recovery_key = request.recovery_key.as_deref();
        let root = parse_root(&project, &self.base_urls, &request.public_key, recovery_key)?;
        tx.save_keys(&project.scope, &request.public_key, recovery_key).await?;
        forget_key(&tx, &project.scope).await?;
        if let Some(version) = tx.find_last_prepared_version(&project.scope).await? {
            tx.delete_prepared_up_to(&project.scope, version).await?;
        }
        let project = find_project(&tx, actor, path, Permission::ManageKeys).await?;
        let answer = respond::project(&tx, &project, &self.list_urls(&tx, &project).await?).await?;
        let kid = root.public_key().kid().to_string();
        let event = Event::in_project(&project.scope, AuditAction::KeyRegistered, "key", &kid);
        tx.commit(event.after(json!({ "recovery_kid": root.recovery_key().map(|key| key.kid().to_string()) }))).await?;
        tracing::info!(project.id = %project.row.id, key.kid = kid, "key registered");
        Ok(answer)
    }
}
