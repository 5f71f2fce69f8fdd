use pintle_core::UnixTime;
use pintle_store::{JobKind, NewJob, StoreError};
use serde_json::json;

use crate::{
    Actor, AlertKind, AuditAction, Permission, ProjectPath, Service, ServiceError, access::find_project,
    alert::set_condition, audit::Event,
};

impl Service {
    /// Removes a target; it holds up no release any more. With `unpublish`, the files of the project are taken away there.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], and those of access.
    pub async fn remove_target(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        name: &str,
        unpublish: bool,
        now: UnixTime,
    ) -> Result<(), ServiceError> {
        let tx = self.begin_change(actor, now).await?;
        let project = find_project(&tx, actor, path, Permission::ManageTargets).await?;
        let scope = &project.scope;
        let missing = ServiceError::NotFound { what: "target" };
        tx.find_publish_target(scope, name).await?.ok_or(missing)?;
        tx.delete_publish_target(scope, name).await?;
        set_condition(&tx, scope, AlertKind::TargetFailing, name, None, now).await?;
        tx.forget_watched(scope).await?;
        if unpublish {
            let subject = format!("{}/{name}", scope.project());
            let job =
                NewJob { kind: JobKind::UnpublishTarget, subject: &subject, payload: None, run_at_secs: now.as_secs() };
            match tx.insert_job(job, now.as_secs()).await {
                // From an earlier removal, and not done yet.
                Ok(()) | Err(StoreError::AlreadyExists) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if let Some(release) = tx.find_last_release(scope).await? {
            self.settle_release(&tx, &project, release.version.value(), now).await?;
        }
        let event = Event::in_project(scope, AuditAction::TargetRemoved, "target", name);
        tx.commit(event.after(json!({ "unpublish": unpublish }))).await?;
        self.wake_jobs();
        Ok(())
    }
}
