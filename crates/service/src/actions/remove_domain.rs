use pintle_store::DomainId;

use crate::{Actor, ProjectPath, Service, ServiceError, access::find_editable_project};

impl Service {
    /// Removes a domain and its pins from the draft.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::RevisionMismatch`], and those of access.
    pub async fn remove_domain(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        domain: &str,
        expected_revision: Option<u64>,
    ) -> Result<(), ServiceError> {
        let missing = || ServiceError::NotFound { what: "domain" };
        let id = DomainId::parse(domain).map_err(|_| missing())?;
        let tx = self.store.write().await?;
        let project = find_editable_project(&tx, actor, path, expected_revision).await?;
        if !tx.delete_domain(&project.scope, &id).await? {
            return Err(missing());
        }
        tx.raise_revision(&project.scope).await?;
        tx.commit().await?;
        Ok(())
    }
}
