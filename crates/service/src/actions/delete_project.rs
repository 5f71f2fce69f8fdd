use pintle_api::DeletionResponse;
use pintle_core::UnixTime;
use pintle_store::{JobKind, NewJob, Project};

use crate::{
    Actor, AuditAction, ProjectPath, Service, ServiceError,
    access::{Permission, find_project},
    audit::Event,
    change::Change,
    step_up::require_fresh_session,
};

impl Service {
    /// Deletes a project: it is hidden at once, its files leave every target, and everything is erased for good later.
    /// Installations go on with the copy they have: a deletion is no withdrawal.
    ///
    /// # Errors
    /// Those of access.
    pub async fn delete_project(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        now: UnixTime,
    ) -> Result<DeletionResponse, ServiceError> {
        let tx = self.begin_change(actor, now).await?;
        let project = find_project(&tx, actor, path, Permission::ManageProjects).await?;
        require_fresh_session(actor, now)?;
        tx.hide_project(&project.scope, now.as_secs()).await?;
        insert_unpublish_job(&tx, &project, now).await?;
        let erased_at = self.insert_erase_job(&tx, project.row.id.as_str(), now).await?;
        let event = Event::in_project(&project.scope, AuditAction::ProjectDeleted, "project", project.row.id.as_str());
        tx.commit(event.named(&project.row.name)).await?;
        self.wake_jobs();
        tracing::info!(project.id = %project.row.id, account.id = %actor.account_id, "project deleted");
        Ok(DeletionResponse { erased_at: erased_at.as_secs() })
    }

    /// When `subject` will be erased.
    pub(super) async fn insert_erase_job(
        &self,
        tx: &Change,
        subject: &str,
        now: UnixTime,
    ) -> Result<UnixTime, ServiceError> {
        let at = now.saturating_add_secs(self.erasure_delay_secs);
        let job = NewJob { kind: JobKind::Erase, subject, payload: None, run_at_secs: at.as_secs() };
        tx.insert_job(job, now.as_secs()).await?;
        Ok(at)
    }
}

pub(super) async fn insert_unpublish_job(tx: &Change, project: &Project, now: UnixTime) -> Result<(), ServiceError> {
    let subject = project.row.id.as_str();
    let job = NewJob { kind: JobKind::Unpublish, subject, payload: None, run_at_secs: now.as_secs() };
    Ok(tx.insert_job(job, now.as_secs()).await?)
}
