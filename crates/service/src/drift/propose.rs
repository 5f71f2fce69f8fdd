//! Keys that the monitor saw and that somebody may want to pin. Nothing here pins: names and routes can be hijacked, so a person
//! looks at it first.

use pintle_api::AutoDraft;
use pintle_core::claims::PinType;
use pintle_store::{PinId, ProjectScope, ProposedPinRow};
use serde_json::{Value, json};

use crate::{AuditAction, ServiceError, audit::Event, change::Change};

/// For one domain: a server that shows another key each time is nobody's wish.
const MAX_PROPOSED: usize = 10;

/// A key that no pin fits, of an issuer that apps accepted certificates of.
#[derive(Clone, Debug)]
pub(crate) struct Proposal {
    /// SHA-256 of the key, in base64.
    pub(crate) spki_sha256: String,
    /// Where it was seen, and what it was.
    pub(crate) reason: String,
    /// What the domain must allow.
    pub(crate) needs: AutoDraft,
}

/// Proposes what the domain allows to be proposed and nobody pinned, or said no to. What a person decided stays decided.
pub(crate) async fn propose(
    tx: &Change,
    scope: &ProjectScope,
    domain: &str,
    proposals: &[Proposal],
) -> Result<(), ServiceError> {
    if proposals.is_empty() {
        return Ok(());
    }
    let Some((domain, mut before)) = tx.find_domain_to_propose(scope, domain).await? else { return Ok(()) };
    let allowed = AutoDraft::parse(&domain.row.auto_draft).unwrap_or_default();
    for proposal in proposals {
        let is_allowed = allowed == AutoDraft::LiveAndCt || (allowed == AutoDraft::Live && proposal.needs == allowed);
        let is_pinned = domain.pins.iter().any(|pin| pin.digest == proposal.spki_sha256);
        let is_known = before.iter().any(|row| row.digest == proposal.spki_sha256);
        let open = before.iter().filter(|row| row.dismissed_at.is_none()).count();
        if !is_allowed || is_pinned || is_known || open >= MAX_PROPOSED {
            continue;
        }
        let row = ProposedPinRow {
            id: PinId::make(tx.now().as_secs()),
            domain_id: domain.row.id.clone(),
            pin_type: PinType::SpkiSha256.as_str().to_owned(),
            digest: proposal.spki_sha256.clone(),
            reason: proposal.reason.clone(),
            proposed_at: tx.now().as_secs().into(),
            dismissed_at: None,
        };
        tx.insert_proposed_pin(row.clone()).await?;
        let event = Event::in_project(scope, AuditAction::PinProposed, "pin", row.id.as_str());
        tx.record(event.named(&domain.row.name).after(summarize_proposed(&row))).await?;
        before.push(row);
    }
    Ok(())
}

/// What the audit log tells of it.
pub(crate) fn summarize_proposed(row: &ProposedPinRow) -> Value {
    json!({ "type": row.pin_type, "digest": row.digest, "reason": row.reason })
}
