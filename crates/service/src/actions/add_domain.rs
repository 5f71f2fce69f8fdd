use pintle_api::{AddDomainRequest, DomainResponse};
use pintle_core::{
    UnixTime,
    claims::{CtPolicy, CtRequirement},
};
use pintle_store::{DomainId, DomainRow, DraftDomain, StoreError};

use super::update_domain::{enforce_percent, summarize, trust_word};
use crate::{
    Actor, AuditAction, ProjectPath, Service, ServiceError,
    access::find_editable_project,
    audit::Event,
    claims::check_domain,
    ct::apply_requirement,
    input::{parse_authored_name, parse_watch},
    respond,
};

impl Service {
    /// Adds a domain to the draft.
    ///
    /// # Errors
    /// [`ServiceError::DomainInvalid`], [`ServiceError::PublicSuffix`], [`ServiceError::AlreadyExists`],
    /// [`ServiceError::PlanLimitReached`], [`ServiceError::CtLogsMissing`], [`ServiceError::DraftInvalid`],
    /// [`ServiceError::RevisionMismatch`], and those of access.
    pub async fn add_domain(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        request: &AddDomainRequest,
        expected_revision: Option<u64>,
        now: UnixTime,
    ) -> Result<DomainResponse, ServiceError> {
        let name = parse_authored_name(&request.name)?;
        let tx = self.begin_change(actor, now).await?;
        let project = find_editable_project(&tx, actor, path, expected_revision).await?;
        self.plan.check_domains(&tx, project.scope.organization(), 1).await?;
        let mut row = DomainRow {
            id: DomainId::make(now.as_secs()),
            project_id: project.row.id.clone(),
            name: name.to_string(),
            display_name: request.name.clone(),
            enforce_percent: enforce_percent(request.enforce)?.into(),
            trust: trust_word(request.trust).to_owned(),
            ct_policy: CtPolicy::Off.as_str().to_owned(),
            ct_min: CtRequirement::DEFAULT_MIN.into(),
            ct_logs: None,
            watch: parse_watch(&name, &request.watch)?,
            auto_draft: request.auto_draft.as_str().to_owned(),
            rotation: None,
            created_at: now.as_secs().into(),
        };
        apply_requirement(&mut row, &request.ct)?;
        let domain = DraftDomain { row, pins: Vec::new(), proposed: Vec::new() };
        check_domain(&tx, &project, &domain).await?;
        match tx.insert_domain(&project.scope, domain.row.clone()).await {
            Err(StoreError::AlreadyExists) => return Err(ServiceError::AlreadyExists { what: "domain" }),
            added => added?,
        }
        tx.raise_revision(&project.scope).await?;
        let answer = respond::domain(&domain)?;
        let event = Event::in_project(&project.scope, AuditAction::DomainAdded, "domain", domain.row.id.as_str());
        tx.commit(event.named(&domain.row.name).after(summarize(&domain.row))).await?;
        Ok(answer)
    }
}
