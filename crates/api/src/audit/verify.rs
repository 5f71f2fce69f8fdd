//! Whether a chain of audit events is as it was written.

use serde_json::{Value, json};

use super::{AuditEventResponse, AuditPoint, AuditRecord, derive_audit_commitment, derive_audit_hash};
use crate::AUDIT_CHAIN_START;

/// How a checkpoint event is called.
const CHECKPOINT_ACTION: &str = "audit.checkpoint";

/// Reads the events of a chain in order and says where it was tampered with.
///
/// What it proves: the events follow each other without a gap, nothing in them was changed since they were written, and
/// the chain holds what it held at a point that was remembered. What it cannot prove alone: that the newest events were
/// not cut off, or everything after a point rewritten. For that somebody must remember a point, as this verifier returns
/// it, outside the server.
#[derive(Clone, Debug)]
pub struct AuditVerifier {
    last: AuditPoint,
    checkpoint: Option<AuditPoint>,
    is_vouched: bool,
    remembered: Option<AuditPoint>,
}

/// Why a chain is not what was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuditChainError {
    /// An event is no record.
    #[error("the event that should have place {seq} cannot be read")]
    Unreadable {
        /// Its place.
        seq: u64,
    },
    /// An event is missing, was put in, or stands in another place.
    #[error("after event {after} comes the event with place {found}: events were removed, inserted or moved")]
    WrongPlace {
        /// The place before.
        after: u64,
        /// The place found.
        found: u64,
    },
    /// An event was changed, or the one before it.
    #[error("the hash of event {seq} does not belong to it: it or what comes before it was changed")]
    WrongHash {
        /// Its place.
        seq: u64,
    },
    /// A personal value is not the one the event was written with.
    #[error("the value `{field}` of event {seq} is not the one that was written")]
    WrongPersonal {
        /// Place of the event.
        seq: u64,
        /// Name of the value.
        field: String,
    },
    /// The beginning was removed and no event tells of it.
    #[error("the events up to {seq} were removed, and no event of the chain tells of it")]
    UnvouchedCheckpoint {
        /// Place of the last event removed.
        seq: u64,
    },
    /// The chain ends before an event that is known to have been there.
    #[error("the chain ends with event {found}, but event {expected} was there: the newest events were removed")]
    Truncated {
        /// A place that is known to have been there.
        expected: u64,
        /// Place of the last event.
        found: u64,
    },
    /// Another event stands where the remembered one was.
    #[error("event {seq} is not the one that was remembered: the chain was rewritten")]
    Rewritten {
        /// The place.
        seq: u64,
    },
    /// The remembered event is too old.
    #[error("event {seq} was removed by retention, so that it cannot be compared")]
    RememberedRemoved {
        /// The place.
        seq: u64,
    },
}

impl AuditVerifier {
    /// Of a chain that begins after `checkpoint`, if its oldest events were removed; `remembered` is what is known of it.
    ///
    /// # Errors
    /// [`AuditChainError::RememberedRemoved`], [`AuditChainError::Rewritten`].
    pub fn new(checkpoint: Option<AuditPoint>, remembered: Option<AuditPoint>) -> Result<Self, AuditChainError> {
        let start = AuditPoint { seq: 0, hash: AUDIT_CHAIN_START.to_owned() };
        let last = checkpoint.clone().unwrap_or(start);
        if let Some(known) = remembered.as_ref().filter(|known| known.seq < last.seq) {
            return Err(AuditChainError::RememberedRemoved { seq: known.seq });
        }
        let is_vouched = checkpoint.is_none();
        let verifier = Self { last, checkpoint, is_vouched, remembered };
        verifier.compare_with_remembered()?;
        Ok(verifier)
    }

    /// The next event.
    ///
    /// # Errors
    /// [`AuditChainError`], which names the first event that is wrong.
    pub fn feed(&mut self, event: &AuditEventResponse) -> Result<AuditRecord, AuditChainError> {
        let seq = self.last.seq.saturating_add(1);
        let record = event.parse_record().map_err(|_| AuditChainError::Unreadable { seq })?;
        if record.seq != seq {
            return Err(AuditChainError::WrongPlace { after: self.last.seq, found: record.seq });
        }
        if derive_audit_hash(&self.last.hash, event.record.get()) != event.hash {
            return Err(AuditChainError::WrongHash { seq });
        }
        for (field, personal) in &event.personal {
            let commitment = parse_salt(&personal.salt).map(|salt| derive_audit_commitment(&salt, &personal.value));
            if commitment.is_none() || commitment.as_ref() != record.personal.get(field) {
                return Err(AuditChainError::WrongPersonal { seq, field: field.clone() });
            }
        }
        if record.action == CHECKPOINT_ACTION
            && record.after.as_ref() == self.checkpoint.as_ref().map(describe).as_ref()
        {
            self.is_vouched = true;
        }
        self.last = AuditPoint { seq, hash: event.hash.clone() };
        self.compare_with_remembered()?;
        Ok(record)
    }

    /// There are no more events; `head` is what is said to be the newest. The answer is worth remembering.
    ///
    /// # Errors
    /// [`AuditChainError::UnvouchedCheckpoint`], [`AuditChainError::Truncated`].
    pub fn finish(self, head: Option<&AuditPoint>) -> Result<AuditPoint, AuditChainError> {
        if let Some(checkpoint) = self.checkpoint.filter(|_| !self.is_vouched) {
            return Err(AuditChainError::UnvouchedCheckpoint { seq: checkpoint.seq });
        }
        let known = self.remembered.iter().chain(head).map(|point| point.seq).max();
        if let Some(expected) = known.filter(|seq| *seq > self.last.seq) {
            return Err(AuditChainError::Truncated { expected, found: self.last.seq });
        }
        Ok(self.last)
    }

    /// The last event that was right.
    pub fn last(&self) -> &AuditPoint {
        &self.last
    }

    fn compare_with_remembered(&self) -> Result<(), AuditChainError> {
        let same_place = self.remembered.as_ref().filter(|known| known.seq == self.last.seq);
        if same_place.is_some_and(|known| known.hash != self.last.hash) {
            return Err(AuditChainError::Rewritten { seq: self.last.seq });
        }
        Ok(())
    }
}

/// As the event of a checkpoint has it.
fn describe(point: &AuditPoint) -> Value {
    json!({ "seq": point.seq, "hash": point.hash })
}

fn parse_salt(text: &str) -> Option<[u8; 32]> {
    let mut salt = [0; 32];
    if text.len() != 64 {
        return None;
    }
    for (at, byte) in salt.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(salt)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AuditActor, AuditActorKind, AuditPersonal, AuditTarget};
    use serde_json::value::RawValue;

    fn event(previous: &str, seq: u64, action: &str, after: Option<Value>) -> AuditEventResponse {
        let salt = [7; 32];
        let record = AuditRecord {
            seq,
            at: 1_800_000_000 + seq,
            action: action.into(),
            actor: AuditActor { kind: AuditActorKind::System, account_id: None, credential_id: None },
            target: AuditTarget { kind: "domain".into(), id: Some(format!("dom_{seq}")), name: None },
            project_id: None,
            before: None,
            after,
            request_id: None,
            personal: [("actor_name".to_owned(), derive_audit_commitment(&salt, "Ada"))].into(),
        };
        let record = RawValue::from_string(serde_json::to_string(&record).unwrap()).unwrap();
        let personal = AuditPersonal { value: "Ada".into(), salt: "07".repeat(32) };
        let personal = [("actor_name".to_owned(), personal)].into();
        AuditEventResponse { hash: derive_audit_hash(previous, record.get()), record, personal }
    }

    /// Five events; the fourth tells that nothing up to the second is there any more.
    fn chain() -> Vec<AuditEventResponse> {
        let mut chain: Vec<AuditEventResponse> = Vec::new();
        for seq in 1..=5 {
            let previous = chain.last().map_or(AUDIT_CHAIN_START, |last| &last.hash).to_owned();
            let after = (seq == 4).then(|| json!({ "seq": 2, "hash": chain[1].hash }));
            let action = if seq == 4 { CHECKPOINT_ACTION } else { "domain.added" };
            chain.push(event(&previous, seq, action, after));
        }
        chain
    }

    fn point(event: &AuditEventResponse) -> AuditPoint {
        AuditPoint { seq: event.parse_record().unwrap().seq, hash: event.hash.clone() }
    }

    fn verify(events: &[AuditEventResponse]) -> Result<AuditPoint, AuditChainError> {
        verify_from(None, None, events)
    }

    fn verify_from(
        checkpoint: Option<AuditPoint>,
        remembered: Option<AuditPoint>,
        events: &[AuditEventResponse],
    ) -> Result<AuditPoint, AuditChainError> {
        let mut verifier = AuditVerifier::new(checkpoint, remembered)?;
        for event in events {
            verifier.feed(event)?;
        }
        verifier.finish(None)
    }

    #[test]
    fn a_chain_as_written_is_accepted_and_so_is_one_whose_persons_were_erased() {
        let mut chain = chain();
        assert_eq!(verify(&chain), Ok(point(&chain[4])));
        chain.iter_mut().for_each(|event| event.personal.clear());
        assert_eq!(verify(&chain), Ok(point(&chain[4])));
    }

    #[test]
    fn every_changed_byte_of_every_record_is_noticed() {
        for at in 0..5 {
            let text = chain()[at].record.get().to_owned();
            for byte in (0..text.len()).filter(|byte| text.as_bytes()[*byte].is_ascii_alphanumeric()) {
                let mut changed = chain();
                let mut bytes = text.clone().into_bytes();
                bytes[byte] = if bytes[byte] == b'1' { b'2' } else { b'1' };
                let Ok(record) = RawValue::from_string(String::from_utf8(bytes).unwrap()) else { continue };
                changed[at].record = record;
                assert!(verify(&changed).is_err(), "event {at}, byte {byte}");
            }
        }
    }

    #[test]
    fn says_which_event_is_wrong() {
        let good = chain();
        let mut changed = good.clone();
        changed[2].record = RawValue::from_string(good[2].record.get().replace("dom_3", "dom_9")).unwrap();
        assert_eq!(verify(&changed), Err(AuditChainError::WrongHash { seq: 3 }));
        // Even with a hash of its own: the next one no longer follows.
        changed[2].hash = derive_audit_hash(&good[1].hash, changed[2].record.get());
        assert_eq!(verify(&changed), Err(AuditChainError::WrongHash { seq: 4 }));

        let mut removed = good.clone();
        removed.remove(2);
        assert_eq!(verify(&removed), Err(AuditChainError::WrongPlace { after: 2, found: 4 }));
        let mut swapped = good.clone();
        swapped.swap(1, 2);
        assert_eq!(verify(&swapped), Err(AuditChainError::WrongPlace { after: 1, found: 3 }));
        let mut inserted = good.clone();
        inserted.insert(2, event(&good[1].hash, 3, "domain.added", Some(json!({ "forged": true }))));
        assert_eq!(verify(&inserted), Err(AuditChainError::WrongPlace { after: 3, found: 3 }));
        assert_eq!(verify(&good[1..]), Err(AuditChainError::WrongPlace { after: 0, found: 2 }));

        let mut personal = good;
        personal[4].personal.get_mut("actor_name").unwrap().value = "Eve".into();
        let field = "actor_name".to_owned();
        assert_eq!(verify(&personal), Err(AuditChainError::WrongPersonal { seq: 5, field }));
    }

    #[test]
    fn what_is_remembered_shows_a_cut_and_a_rewritten_chain() {
        let good = chain();
        let known = Some(point(&good[4]));
        assert!(verify_from(None, known.clone(), &good).is_ok());
        let cut = verify_from(None, known.clone(), &good[..4]);
        assert_eq!(cut, Err(AuditChainError::Truncated { expected: 5, found: 4 }));
        let mut rewritten = good[..4].to_vec();
        rewritten.push(event(&good[3].hash, 5, "domain.removed", None));
        assert!(verify(&rewritten).is_ok(), "nothing else could tell");
        assert_eq!(verify_from(None, known, &rewritten), Err(AuditChainError::Rewritten { seq: 5 }));
    }

    #[test]
    fn a_removed_beginning_needs_an_event_that_tells_of_it() {
        let good = chain();
        let checkpoint = Some(point(&good[1]));
        assert_eq!(verify_from(checkpoint.clone(), None, &good[2..]), Ok(point(&good[4])));
        let unvouched = AuditChainError::UnvouchedCheckpoint { seq: 3 };
        assert_eq!(verify_from(Some(point(&good[2])), None, &good[3..]), Err(unvouched));
        let forged = Some(AuditPoint { seq: 2, hash: good[0].hash.clone() });
        assert_eq!(verify_from(forged, None, &good[2..]), Err(AuditChainError::WrongHash { seq: 3 }));
        let too_old = verify_from(checkpoint, Some(point(&good[0])), &good[2..]);
        assert_eq!(too_old, Err(AuditChainError::RememberedRemoved { seq: 1 }));
    }
}
