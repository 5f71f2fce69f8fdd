use pintle_api::{AddTargetRequest, TargetResponse};
use pintle_core::UnixTime;
use pintle_store::{PublishTargetRow, StoreError};

use crate::{
    Actor, AuditAction, Permission, ProjectPath, Service, ServiceError, access::find_project, audit::Event,
    error::TargetError, pending::queue_target,
};

/// Every release waits for every target; more are better served by a CDN.
const MAX_TARGETS: usize = 10;

impl Service {
    /// Adds a target: it gets the live release at once, and every one that follows.
    ///
    /// # Errors
    /// [`TargetError::NotOffered`], [`TargetError::TooMany`], [`ServiceError::AlreadyExists`], and those of access.
    pub async fn add_target(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        request: &AddTargetRequest,
        now: UnixTime,
    ) -> Result<TargetResponse, ServiceError> {
        let tx = self.begin_change(actor, now).await?;
        let project = find_project(&tx, actor, path, Permission::ManageTargets).await?;
        let scope = &project.scope;
        let name = request.destination.as_str();
        self.find_destination(scope.organization().as_str(), name)?;
        if tx.list_publish_targets(scope).await?.len() >= MAX_TARGETS {
            return Err(TargetError::TooMany { limit: MAX_TARGETS }.into());
        }
        let row = PublishTargetRow {
            project_id: scope.project().clone(),
            destination: name.to_owned(),
            added_by: actor.account_id.clone(),
            added_at: now.as_secs().into(),
        };
        match tx.insert_publish_target(row.clone()).await {
            Err(StoreError::AlreadyExists) => return Err(ServiceError::AlreadyExists { what: "target" }),
            added => added?,
        }
        // What apps see now, or will see next.
        if let Some(release) = tx.find_last_release(scope).await? {
            queue_target(&tx, scope, release.version.value(), name, now).await?;
        }
        tx.forget_watched(scope).await?;
        let answer = self.describe_target(scope, &row);
        tx.commit(Event::in_project(scope, AuditAction::TargetAdded, "target", name)).await?;
        self.wake_jobs();
        Ok(answer)
    }
}
