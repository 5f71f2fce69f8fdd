use pintle_api::{DomainResponse, Enforce, EnforceWord, Trust, UpdateDomainRequest};
use pintle_core::{Name, UnixTime, claims};
use pintle_store::{DomainId, DomainRow};
use serde_json::{Value, json};

use crate::{
    Actor, AuditAction, ProjectPath, Service, ServiceError, access::find_editable_project, audit::Event,
    claims::check_domain, ct::apply_requirement, input::parse_watch, respond,
};

impl Service {
    /// Changes the settings of a domain in the draft.
    ///
    /// # Errors
    /// [`ServiceError::ValueInvalid`], [`ServiceError::CtLogsMissing`], [`ServiceError::DraftInvalid`],
    /// [`ServiceError::RevisionMismatch`], and those of access.
    pub async fn update_domain(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        domain: &str,
        request: &UpdateDomainRequest,
        expected_revision: Option<u64>,
        now: UnixTime,
    ) -> Result<DomainResponse, ServiceError> {
        let missing = || ServiceError::NotFound { what: "domain" };
        let id = DomainId::parse(domain).map_err(|_| missing())?;
        let tx = self.begin_change(actor, now).await?;
        let project = find_editable_project(&tx, actor, path, expected_revision).await?;
        let mut domain = tx.find_domain(&project.scope, &id).await?.ok_or_else(missing)?;
        let before = summarize(&domain.row);
        if let Some(enforce) = request.enforce {
            domain.row.enforce_percent = enforce_percent(enforce)?.into();
        }
        if let Some(trust) = request.trust {
            domain.row.trust = trust_word(trust).to_owned();
        }
        if let Some(ct) = &request.ct {
            apply_requirement(&mut domain.row, ct)?;
        }
        if let Some(watch) = &request.watch {
            let name = Name::parse(&domain.row.name).map_err(|_| ServiceError::Internal("stored domain name"))?;
            domain.row.watch = parse_watch(&name, watch)?;
        }
        if let Some(auto_draft) = request.auto_draft {
            auto_draft.as_str().clone_into(&mut domain.row.auto_draft);
        }
        check_domain(&tx, &project, &domain).await?;
        tx.save_domain_settings(&project.scope, &domain.row).await?;
        tx.raise_revision(&project.scope).await?;
        let answer = respond::domain(&domain)?;
        let event = Event::in_project(&project.scope, AuditAction::DomainUpdated, "domain", domain.row.id.as_str());
        tx.commit(event.named(&domain.row.name).before(before).after(summarize(&domain.row))).await?;
        Ok(answer)
    }
}

/// What the audit log tells of a domain.
pub(super) fn summarize(row: &DomainRow) -> Value {
    json!({ "enforce_percent": row.enforce_percent.value(), "trust": row.trust, "ct_policy": row.ct_policy, "ct_min": row.ct_min.value(), "watch": row.watch, "auto_draft": row.auto_draft })
}

/// 0 is `report`, 100 is `always` (P-2.5).
pub(super) fn enforce_percent(enforce: Enforce) -> Result<u64, ServiceError> {
    match enforce {
        Enforce::Word(EnforceWord::Always) => Ok(100),
        Enforce::Word(EnforceWord::Report) => Ok(0),
        Enforce::Percent(percent @ 0..=100) => Ok(percent.into()),
        Enforce::Percent(_) => Err(ServiceError::ValueInvalid {
            member: "enforce",
            expected: "`always`, `report` or a number from 0 to 100",
        }),
    }
}

pub(super) fn trust_word(trust: Trust) -> &'static str {
    match trust {
        Trust::Platform => claims::Trust::Platform,
        Trust::Pins => claims::Trust::Pins,
    }
    .as_str()
}
