use pintle_api::{ListQuery, ListResponse, ReleaseResponse};

use crate::{
    Actor, ProjectPath, Service, ServiceError,
    access::{Permission, find_project},
    page::{close_page, open_page},
    respond,
};

impl Service {
    /// The releases, newest first.
    ///
    /// # Errors
    /// [`ServiceError::CursorInvalid`], [`ServiceError::NotFound`], [`ServiceError::Store`].
    pub async fn list_releases(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        query: &ListQuery,
    ) -> Result<ListResponse<ReleaseResponse>, ServiceError> {
        let tx = self.store.read().await?;
        let project = find_project(&tx, actor, path, Permission::Read).await?;
        let page = open_page(query)?;
        let releases = tx.list_releases(&project.scope, &page).await?;
        let targets = respond::load_targets(&tx, &project.scope, &releases).await?;
        let describe = |release: &_| Ok(respond::release_at(release, &targets));
        close_page(&page, releases, |release| release.version.value(), describe)
    }
}
