use pintle_api::{ListResponse, ReleaseResponse};

use crate::{
    Actor, ProjectPath, Service, ServiceError,
    access::{Permission, find_project},
    respond,
};

/// Older releases are read by their number.
const MAX_LISTED: u64 = 100;

impl Service {
    /// The newest 100 releases, newest first.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Store`].
    pub async fn list_releases(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
    ) -> Result<ListResponse<ReleaseResponse>, ServiceError> {
        let tx = self.store.read().await?;
        let project = find_project(&tx, actor, path, Permission::Read).await?;
        let releases = tx.list_releases(&project.scope, MAX_LISTED).await?;
        Ok(ListResponse { items: releases.iter().map(respond::release).collect() })
    }
}
