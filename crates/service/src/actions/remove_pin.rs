use pintle_store::{DomainId, PinId};

use crate::{Actor, ProjectPath, Service, ServiceError, access::find_editable_project};

impl Service {
    /// Removes a pin from a domain in the draft.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::RevisionMismatch`], and those of access.
    pub async fn remove_pin(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        domain: &str,
        pin: &str,
        expected_revision: Option<u64>,
    ) -> Result<(), ServiceError> {
        let missing = || ServiceError::NotFound { what: "pin" };
        let domain = DomainId::parse(domain).map_err(|_| missing())?;
        let pin = PinId::parse(pin).map_err(|_| missing())?;
        let tx = self.store.write().await?;
        let project = find_editable_project(&tx, actor, path, expected_revision).await?;
        if !tx.delete_pin(&project.scope, &domain, &pin).await? {
            return Err(missing());
        }
        tx.raise_revision(&project.scope).await?;
        tx.commit().await?;
        Ok(())
    }
}
