use pintle_api::DomainResponse;
use pintle_store::DomainId;

use crate::{
    Actor, ProjectPath, Service, ServiceError,
    access::{Permission, find_project},
    respond,
};

impl Service {
    /// A domain of the draft with its pins.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Store`].
    pub async fn read_domain(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        domain: &str,
    ) -> Result<DomainResponse, ServiceError> {
        let missing = || ServiceError::NotFound { what: "domain" };
        let id = DomainId::parse(domain).map_err(|_| missing())?;
        let tx = self.store.read().await?;
        let project = find_project(&tx, actor, path, Permission::Read).await?;
        respond::domain(&tx.find_domain(&project.scope, &id).await?.ok_or_else(missing)?)
    }
}
