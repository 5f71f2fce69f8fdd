use pintle_api::{AddPinRequest, PinMatch, PinResponse};
use pintle_core::{UnixTime, claims};
use pintle_store::{DomainId, PinId, PinRow, StoreError, Unsigned};
use serde_json::{Value, json};

use crate::{
    Actor, AuditAction, ProjectPath, Service, ServiceError,
    access::find_editable_project,
    audit::Event,
    claims::check_domain,
    input::{check_label, core_type, parse_digest},
    respond,
};

impl Service {
    /// Adds a pin to a domain in the draft.
    ///
    /// # Errors
    /// [`ServiceError::PinInvalid`], [`ServiceError::AlreadyExists`], [`ServiceError::DraftInvalid`],
    /// [`ServiceError::RevisionMismatch`], and those of access.
    pub async fn add_pin(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        domain: &str,
        request: &AddPinRequest,
        expected_revision: Option<u64>,
        now: UnixTime,
    ) -> Result<PinResponse, ServiceError> {
        let missing = || ServiceError::NotFound { what: "domain" };
        let id = DomainId::parse(domain).map_err(|_| missing())?;
        let digest = parse_digest(core_type(request.pin_type), &request.digest)?;
        if let Some(label) = &request.label {
            check_label("label", label)?;
        }
        let tx = self.begin_change(actor, now).await?;
        let project = find_editable_project(&tx, actor, path, expected_revision).await?;
        let mut domain = tx.find_domain(&project.scope, &id).await?.ok_or_else(missing)?;
        let pin = PinRow {
            id: PinId::make(now.as_secs()),
            domain_id: id.clone(),
            pin_type: digest.kind().as_str().to_owned(),
            digest: digest.to_base64(),
            pin_match: match_word(request.pin_match).to_owned(),
            expires_at: request.expires_at.map(Unsigned::from),
            source: respond::pin_origin_word(request.source).to_owned(),
            label: request.label.clone(),
            created_at: now.as_secs().into(),
        };
        match tx.insert_pin(&domain, pin.clone()).await {
            Err(StoreError::AlreadyExists) => return Err(ServiceError::AlreadyExists { what: "pin" }),
            added => added?,
        }
        domain.pins = vec![pin.clone()];
        check_domain(&tx, &project, &domain).await?;
        tx.raise_revision(&project.scope).await?;
        let answer = respond::pin(&pin)?;
        let event = Event::in_project(&project.scope, AuditAction::PinAdded, "pin", pin.id.as_str());
        tx.commit(event.named(&domain.row.name).after(summarize_pin(&pin))).await?;
        Ok(answer)
    }
}

/// What the audit log tells of a pin.
pub(super) fn summarize_pin(pin: &PinRow) -> Value {
    json!({
        "type": pin.pin_type,
        "digest": pin.digest,
        "match": pin.pin_match,
        "expires_at": pin.expires_at.map(Unsigned::value),
        "source": pin.source,
        "label": pin.label,
    })
}

fn match_word(pin_match: PinMatch) -> &'static str {
    match pin_match {
        PinMatch::Leaf => claims::PinMatch::Leaf,
        PinMatch::Issuer => claims::PinMatch::Issuer,
        PinMatch::Any => claims::PinMatch::Any,
    }
    .as_str()
}
