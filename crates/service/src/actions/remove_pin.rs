use pintle_core::UnixTime;
use pintle_store::{DomainId, PinId};

use super::add_pin::summarize_pin;
use crate::{
    Actor, AuditAction, ProjectPath, Service, ServiceError, access::find_editable_project, audit::Event,
    drift::summarize_proposed,
};

impl Service {
    /// Removes a pin from a domain in the draft, or says no to one that the monitor proposes: it is not proposed again.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::RevisionMismatch`], and those of access.
    pub async fn remove_pin(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        domain: &str,
        pin: &str,
        expected_revision: Option<u64>,
        now: UnixTime,
    ) -> Result<(), ServiceError> {
        let missing = || ServiceError::NotFound { what: "pin" };
        let domain = DomainId::parse(domain).map_err(|_| missing())?;
        let pin = PinId::parse(pin).map_err(|_| missing())?;
        let tx = self.begin_change(actor, now).await?;
        let project = find_editable_project(&tx, actor, path, expected_revision).await?;
        let domain = tx.find_domain(&project.scope, &domain).await?.ok_or_else(missing)?;
        if let Some(row) = domain.proposed.iter().find(|row| row.id == pin) {
            tx.dismiss_proposed_pin(&domain, &pin, now.as_secs()).await?;
            let event = Event::in_project(&project.scope, AuditAction::PinDismissed, "pin", pin.as_str());
            return tx.commit(event.named(&domain.row.name).before(summarize_proposed(row))).await;
        }
        let row = domain.pins.iter().find(|row| row.id == pin).ok_or_else(missing)?;
        tx.delete_pin(&project.scope, &domain.row.id, &pin).await?;
        tx.raise_revision(&project.scope).await?;
        let event = Event::in_project(&project.scope, AuditAction::PinRemoved, "pin", pin.as_str());
        tx.commit(event.named(&domain.row.name).before(summarize_pin(row))).await
    }
}
