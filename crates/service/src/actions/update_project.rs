use pintle_api::{Approval, Custody, ProjectResponse, UpdateProjectRequest};
use pintle_core::UnixTime;
use pintle_store::{ProjectRow, StoreError};
use serde_json::{Value, json};

use crate::{
    Actor, AuditAction, CustodyError, ProjectPath, Service, ServiceError,
    access::{Permission, find_project},
    audit::Event,
    input::{check_environment, check_label},
    respond,
    step_up::require_fresh_session,
};

impl Service {
    /// Changes a project's name, environment, who must agree to its releases, or what is noted of its key's custody. Its id, which apps embed, stays. Only
    /// an owner does away with the second person: an admin's stolen token must not be enough (ADR 19).
    ///
    /// # Errors
    /// [`ServiceError::AlreadyExists`] when name and environment are taken, [`ServiceError::ValueInvalid`],
    /// [`CustodyError::NotNoted`], and those of
    /// access.
    pub async fn update_project(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        request: &UpdateProjectRequest,
        now: UnixTime,
    ) -> Result<ProjectResponse, ServiceError> {
        let tx = self.begin_change(actor, now).await?;
        let mut project = find_project(&tx, actor, path, Permission::ManageProjects).await?;
        let before = summarize(&project.row);
        if let Some(name) = &request.name {
            check_label("name", name)?;
            project.row.name.clone_from(name);
        }
        if let Some(environment) = &request.environment {
            check_environment(environment)?;
            project.row.environment.clone_from(environment);
        }
        match request.approval {
            Some(Approval::SecondPerson) => project.row.approval = pintle_store::Approval::SecondPerson,
            Some(Approval::None) if project.row.approval != pintle_store::Approval::None => {
                find_project(&tx, actor, path, Permission::OwnOrganization).await?;
                require_fresh_session(actor, now)?;
                project.row.approval = pintle_store::Approval::None;
            }
            Some(Approval::None) | None => {}
        }
        if let Some(custody) = request.custody {
            project.row.custody = note_custody(custody, project.row.custody)?;
            tx.save_custody(&project.scope, project.row.custody).await?;
        }
        match tx.save_project(&project.scope, &project.row).await {
            Err(StoreError::AlreadyExists) => return Err(ServiceError::AlreadyExists { what: "project" }),
            saved => saved?,
        }
        let answer = respond::project(&tx, &project, &self.list_urls(&tx, &project).await?).await?;
        let event = Event::in_project(&project.scope, AuditAction::ProjectUpdated, "project", project.row.id.as_str());
        tx.commit(event.named(&project.row.name).before(before).after(summarize(&project.row))).await?;
        Ok(answer)
    }
}

/// What people say of a key that is elsewhere; where the server keeps its ciphertext, that says it.
fn note_custody(wanted: Custody, now: pintle_store::Custody) -> Result<pintle_store::Custody, CustodyError> {
    use pintle_store::Custody::{BrowserPasskey, BrowserPassword, External, Kms};
    match (wanted, now) {
        (_, BrowserPassword | BrowserPasskey) => Err(CustodyError::NotNoted),
        (Custody::External, External | Kms) => Ok(External),
        (Custody::Kms, External | Kms) => Ok(Kms),
        (Custody::BrowserPassword | Custody::BrowserPasskey, _) => Err(CustodyError::NotNoted),
    }
}

fn summarize(project: &ProjectRow) -> Value {
    let approval = respond::approval(project.approval);
    let custody = respond::custody(project.custody);
    json!({ "name": project.name, "environment": project.environment, "approval": approval, "custody": custody })
}
