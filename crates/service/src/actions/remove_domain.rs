use pintle_core::UnixTime;
use pintle_store::DomainId;
use serde_json::json;

use super::add_pin::summarize_pin;
use crate::{Actor, AuditAction, ProjectPath, Service, ServiceError, access::find_editable_project, audit::Event};

impl Service {
    /// Removes a domain and its pins from the draft.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::RevisionMismatch`], and those of access.
    pub async fn remove_domain(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        domain: &str,
        expected_revision: Option<u64>,
        now: UnixTime,
    ) -> Result<(), ServiceError> {
        let missing = || ServiceError::NotFound { what: "domain" };
        let id = DomainId::parse(domain).map_err(|_| missing())?;
        let tx = self.begin_change(actor, now).await?;
        let project = find_editable_project(&tx, actor, path, expected_revision).await?;
        let domain = tx.find_domain(&project.scope, &id).await?.ok_or_else(missing)?;
        tx.delete_domain(&project.scope, &id).await?;
        tx.raise_revision(&project.scope).await?;
        let event = Event::in_project(&project.scope, AuditAction::DomainRemoved, "domain", id.as_str());
        let summary = json!({ "pins": domain.pins.iter().map(summarize_pin).collect::<Vec<_>>() });
        tx.commit(event.named(&domain.row.name).before(summary)).await
    }
}
