use pintle_api::{CopyProjectRequest, ProjectResponse};
use pintle_core::UnixTime;
use pintle_store::{DomainId, DomainRow, NewProject, PinId, PinRow, Project, StoreError, Unsigned};
use serde_json::json;

use crate::{
    Actor, AuditAction, ProjectPath, Service, ServiceError,
    access::{Permission, find_organization, find_project},
    audit::Event,
    change::Change,
    claims::make_root,
    input::{check_environment, check_label},
    respond,
};

impl Service {
    /// Creates a project with the domains, pins, CT logs and settings of another one's draft: the way out when a key is
    /// lost or stolen and there is no recovery key. It has no release yet, and a key of its own.
    ///
    /// # Errors
    /// [`ServiceError::AlreadyExists`] when name and environment are taken, [`ServiceError::PlanLimitReached`],
    /// [`ServiceError::ValueInvalid`], [`ServiceError::KeyInvalid`], and those of access.
    pub async fn copy_project(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        request: &CopyProjectRequest,
        now: UnixTime,
    ) -> Result<ProjectResponse, ServiceError> {
        if let Some(name) = &request.name {
            check_label("name", name)?;
        }
        check_environment(&request.environment)?;
        let tx = self.begin_change(actor, now).await?;
        let member = find_organization(&tx, actor, path.organization, Permission::ManageProjects).await?;
        let source = find_project(&tx, actor, path, Permission::ManageProjects).await?;
        self.plan.check_projects(&tx, &member.scope).await?;
        let draft = tx.find_draft(&source.scope).await?.ok_or(ServiceError::NotFound { what: "draft" })?;
        let new = NewProject {
            name: request.name.as_ref().unwrap_or(&source.row.name).clone(),
            environment: request.environment.clone(),
            keys: request.key.clone().map(|key| (key.public_key, key.recovery_key)),
            approval: source.row.approval,
            refresh_secs: draft.refresh_secs.value(),
            on_stale: draft.on_stale.clone(),
            expires_after_secs: draft.expires_after_secs.map(Unsigned::value),
        };
        let copy = match tx.insert_project(&member.scope, new, now.as_secs()).await {
            Err(StoreError::AlreadyExists) => return Err(ServiceError::AlreadyExists { what: "project" }),
            added => added?,
        };
        if request.key.is_some() {
            // Keys that make no root are refused, and the project with them.
            make_root(&copy, &self.base_urls)?;
        }
        // Its revision is not copied: this draft is new.
        tx.save_draft(&copy.scope, &draft).await?;
        tx.replace_ct_logs(&copy.scope, tx.list_ct_logs(&source.scope).await?).await?;
        let domains = self.copy_domains(&tx, &source, &copy, now).await?;
        let answer = respond::project(&tx, &copy, &self.list_urls(&tx, &copy).await?).await?;
        let event = Event::in_project(&copy.scope, AuditAction::ProjectCopied, "project", copy.row.id.as_str());
        let summary = json!({
            "from": source.row.id.as_str(),
            "environment": copy.row.environment,
            "domains": domains,
            "kid": answer.key.as_ref().map(|key| &key.kid),
        });
        tx.commit(event.named(&copy.row.name).after(summary)).await?;
        tracing::info!(project.id = %copy.row.id, project.from = %source.row.id, "project copied");
        Ok(answer)
    }

    /// Copies the draft's domains with their pins; how many.
    async fn copy_domains(
        &self,
        tx: &Change,
        source: &Project,
        copy: &Project,
        now: UnixTime,
    ) -> Result<usize, ServiceError> {
        let domains = tx.list_domains(&source.scope).await?;
        self.plan.check_domains(tx, source.scope.organization(), domains.len() as u64).await?;
        for domain in &domains {
            let id = DomainId::make(now.as_secs());
            let row = DomainRow { id, rotation: None, created_at: now.as_secs().into(), ..domain.row.clone() };
            tx.insert_domain(&copy.scope, row.clone()).await?;
            let target = pintle_store::DraftDomain { row, pins: Vec::new(), proposed: Vec::new() };
            for pin in &domain.pins {
                let id = PinId::make(now.as_secs());
                tx.insert_pin(&target, PinRow { id, created_at: now.as_secs().into(), ..pin.clone() }).await?;
            }
        }
        Ok(domains.len())
    }
}
