use pintle_api::{CreateProjectRequest, ProjectResponse};
use pintle_core::{UnixTime, limits::DEFAULT_REFRESH_SECS};
use pintle_store::{NewProject, StoreError};
use serde_json::json;

use crate::{
    Actor, AuditAction, Service, ServiceError,
    access::{Permission, find_organization},
    audit::Event,
    claims::make_root,
    input::{check_environment, check_label},
    respond,
};

/// P-9.4: a release is valid for 90 days unless the project says otherwise.
const DEFAULT_EXPIRY_SECS: u64 = 90 * 86_400;

impl Service {
    /// Creates a project with an empty draft.
    ///
    /// # Errors
    /// [`ServiceError::AlreadyExists`] when name and environment are taken, [`ServiceError::ValueInvalid`],
    /// [`ServiceError::PlanLimitReached`], [`ServiceError::KeyInvalid`], and those of access.
    pub async fn create_project(
        &self,
        actor: &Actor,
        organization: &str,
        request: &CreateProjectRequest,
        now: UnixTime,
    ) -> Result<ProjectResponse, ServiceError> {
        check_label("name", &request.name)?;
        check_environment(&request.environment)?;
        let tx = self.begin_change(actor, now).await?;
        let member = find_organization(&tx, actor, organization, Permission::ManageProjects).await?;
        self.plan.check_projects(&tx, &member.scope).await?;
        let new = NewProject {
            name: request.name.clone(),
            environment: request.environment.clone(),
            keys: request.key.clone().map(|key| (key.public_key, key.recovery_key)),
            approval: pintle_store::Approval::None,
            refresh_secs: DEFAULT_REFRESH_SECS,
            on_stale: pintle_core::claims::OnStale::default().as_str().to_owned(),
            expires_after_secs: Some(DEFAULT_EXPIRY_SECS),
        };
        let project = match tx.insert_project(&member.scope, new, now.as_secs()).await {
            Err(StoreError::AlreadyExists) => return Err(ServiceError::AlreadyExists { what: "project" }),
            added => added?,
        };
        if request.key.is_some() {
            // Keys that make no root are refused, and the project with them.
            make_root(&project, &self.base_urls)?;
        }
        let answer = respond::project(&tx, &project, &self.list_urls(&tx, &project).await?).await?;
        let event = Event::in_project(&project.scope, AuditAction::ProjectCreated, "project", project.row.id.as_str());
        let summary = json!({ "environment": project.row.environment, "kid": answer.key.as_ref().map(|key| &key.kid) });
        tx.commit(event.named(&project.row.name).after(summary)).await?;
        tracing::info!(project.id = %project.row.id, account.id = %actor.account_id, "project created");
        Ok(answer)
    }
}
