use pintle_core::UnixTime;
use pintle_publish::Publication;

use crate::{
    Actor, ProjectPath, Service, ServiceError,
    access::{Permission, find_project},
    claims::make_root,
};

impl Service {
    /// `pintle.json` as new builds embed it (P-1.2): the one published beside the live release, so that they accept that
    /// release whatever key comes next; before the first release, the registered keys.
    ///
    /// # Errors
    /// [`ServiceError::KeyMissing`], [`ServiceError::NotFound`], [`ServiceError::Store`].
    pub async fn read_bundle(&self, actor: &Actor, path: ProjectPath<'_>) -> Result<String, ServiceError> {
        let tx = self.store.read().await?;
        let project = find_project(&tx, actor, path, Permission::Read).await?;
        let root = make_root(&project, &self.list_urls(&tx, &project).await?)?;
        let Some(live) = tx.find_live_release(&project.scope).await? else { return Ok(root.to_bundle_json()) };
        let file = tx.load_release_file(&project.scope, live.version.value()).await?;
        let file = file.ok_or(ServiceError::Internal("a release without its file"))?;
        let then = UnixTime::from_secs(live.accepted_at.value());
        let publication = Publication::verify(root, file.into_bytes(), then)
            .map_err(|_| ServiceError::Internal("a stored release does not verify"))?;
        Ok(publication.bundle_json())
    }
}
