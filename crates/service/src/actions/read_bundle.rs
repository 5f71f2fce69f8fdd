use pintle_api::Scope;

use crate::{Actor, ProjectPath, Service, ServiceError, access::find_project, claims::make_root};

impl Service {
    /// `pintle.json` as apps embed it (P-1.2).
    ///
    /// # Errors
    /// [`ServiceError::KeyMissing`], [`ServiceError::NotFound`], [`ServiceError::Store`].
    pub async fn read_bundle(&self, actor: &Actor, path: ProjectPath<'_>) -> Result<String, ServiceError> {
        let tx = self.store.read().await?;
        let project = find_project(&tx, actor, path, Scope::Read).await?;
        Ok(make_root(&project, &self.base_url)?.to_bundle_json())
    }
}
