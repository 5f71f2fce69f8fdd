use pintle_api::{PinExpiry, PinResponse, UpdatePinRequest};
use pintle_core::UnixTime;
use pintle_store::{DomainId, DraftDomain, PinId, Unsigned};

use super::add_pin::summarize_pin;
use crate::{
    Actor, AuditAction, ProjectPath, Service, ServiceError, access::find_editable_project, audit::Event,
    claims::check_domain, input::check_label, respond,
};

impl Service {
    /// Changes label and expiry of a pin in the draft.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::ValueInvalid`], [`ServiceError::DraftInvalid`],
    /// [`ServiceError::RevisionMismatch`], and those of access.
    #[expect(clippy::too_many_arguments, reason = "domain and pin are named one by one, as in every action on pins")]
    pub async fn update_pin(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        domain: &str,
        pin: &str,
        request: &UpdatePinRequest,
        expected_revision: Option<u64>,
        now: UnixTime,
    ) -> Result<PinResponse, ServiceError> {
        let missing = || ServiceError::NotFound { what: "pin" };
        let domain = DomainId::parse(domain).map_err(|_| missing())?;
        let id = PinId::parse(pin).map_err(|_| missing())?;
        let tx = self.begin_change(actor, now).await?;
        let project = find_editable_project(&tx, actor, path, expected_revision).await?;
        let domain = tx.find_domain(&project.scope, &domain).await?.ok_or_else(missing)?;
        let before = domain.pins.iter().find(|row| row.id == id).ok_or_else(missing)?;
        let mut pin = before.clone();
        if let Some(label) = &request.label {
            pin.label = (!label.is_empty()).then(|| label.clone());
            pin.label.as_deref().map(|label| check_label("label", label)).transpose()?;
        }
        match request.expiry {
            Some(PinExpiry::Never) => pin.expires_at = None,
            Some(PinExpiry::At(at)) => pin.expires_at = Some(Unsigned::from(at)),
            None => {}
        }
        let changed = DraftDomain { pins: vec![pin.clone()], ..domain.clone() };
        check_domain(&tx, &project, &changed).await?;
        tx.save_pin(&domain, &pin).await?;
        tx.raise_revision(&project.scope).await?;
        let answer = respond::pin(&pin)?;
        let event = Event::in_project(&project.scope, AuditAction::PinUpdated, "pin", id.as_str());
        tx.commit(event.named(&domain.row.name).before(summarize_pin(before)).after(summarize_pin(&pin))).await?;
        Ok(answer)
    }
}
