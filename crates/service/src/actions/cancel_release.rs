use pintle_api::ReleaseResponse;
use pintle_core::UnixTime;
use pintle_store::{ReleaseRow, ReleaseState};

use crate::{
    Actor, AuditAction, ProjectPath, ReleaseError, Service, ServiceError,
    access::{Permission, find_project},
    audit::Event,
    pending::end_pending,
    respond,
};

impl Service {
    /// Takes back a release that waits for a second person or for its time. Its number is not given again. Taking it
    /// back twice answers as the first time.
    ///
    /// # Errors
    /// [`ReleaseError::NotPending`] once it is on its way, and those of access.
    pub async fn cancel_release(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        version: u64,
        now: UnixTime,
    ) -> Result<ReleaseResponse, ServiceError> {
        let tx = self.begin_change(actor, now).await?;
        let project = find_project(&tx, actor, path, Permission::Release).await?;
        let scope = &project.scope;
        let release = tx.find_release(scope, version).await?.ok_or(ServiceError::NotFound { what: "release" })?;
        if release.state == ReleaseState::Cancelled {
            return respond::release(&tx, scope, &release).await;
        }
        if !ReleaseState::PENDING.contains(&release.state) {
            return Err(ReleaseError::NotPending { version }.into());
        }
        end_pending(&tx, scope, &release, ReleaseState::Cancelled).await?;
        let release = ReleaseRow { state: ReleaseState::Cancelled, ..release };
        let answer = respond::release(&tx, scope, &release).await?;
        tx.commit(Event::in_project(scope, AuditAction::ReleaseCancelled, "release", &version.to_string())).await?;
        tracing::info!(project.id = %project.row.id, release.version = version, "release cancelled");
        Ok(answer)
    }
}
