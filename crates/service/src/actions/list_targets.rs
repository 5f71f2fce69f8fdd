use pintle_api::{DestinationResponse, ListQuery, ListResponse, TargetResponse};
use pintle_store::{ProjectScope, PublishTargetRow};

use crate::{
    Actor, Permission, ProjectPath, Service, ServiceError,
    access::{find_organization_around, find_project},
    destination::Destination,
    page::{close_page, open_page},
};

impl Service {
    /// The targets of a project, by name.
    ///
    /// # Errors
    /// Those of access.
    pub async fn list_targets(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        query: &ListQuery,
    ) -> Result<ListResponse<TargetResponse>, ServiceError> {
        let tx = self.store.read().await?;
        let project = find_project(&tx, actor, path, Permission::Read).await?;
        let page = open_page::<String>(query)?;
        let mut targets = tx.list_publish_targets(&project.scope).await?;
        targets.retain(|target| page.after.as_ref().is_none_or(|after| target.destination > *after));
        targets.truncate(usize::try_from(page.limit).unwrap_or(usize::MAX));
        close_page(
            &page,
            targets,
            |target| target.destination.clone(),
            |target| Ok(self.describe_target(&project.scope, target)),
        )
    }

    /// What the operator offers to the organization, by name.
    ///
    /// # Errors
    /// Those of access.
    pub async fn list_offered_destinations(
        &self,
        actor: &Actor,
        organization: &str,
        query: &ListQuery,
    ) -> Result<ListResponse<DestinationResponse>, ServiceError> {
        let tx = self.store.read().await?;
        find_organization_around(&tx, actor, organization, Permission::Read).await?;
        let page = open_page::<String>(query)?;
        let after = |destination: &&Destination| page.after.as_ref().is_none_or(|after| destination.name > *after);
        let mut offered: Vec<_> = self.list_destinations(organization).filter(after).collect();
        offered.sort_by(|left, right| left.name.cmp(&right.name));
        offered.truncate(usize::try_from(page.limit).unwrap_or(usize::MAX));
        close_page(
            &page,
            offered,
            |destination| destination.name.clone(),
            |destination| {
                Ok(DestinationResponse {
                    name: destination.name.clone(),
                    place: destination.place.to_string(),
                    public_url: destination.public_url.as_ref().map(ToString::to_string),
                })
            },
        )
    }

    pub(crate) fn describe_target(&self, scope: &ProjectScope, row: &PublishTargetRow) -> TargetResponse {
        let destination = self.find_destination(scope.organization().as_str(), &row.destination).ok();
        TargetResponse {
            name: row.destination.clone(),
            place: destination.map(|destination| destination.place.to_string()),
            public_url: destination.and_then(|destination| destination.public_url.as_ref()).map(ToString::to_string),
            added_by: row.added_by.to_string(),
            added_at: row.added_at.value(),
        }
    }
}
