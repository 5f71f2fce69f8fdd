//! Security events: what was tried and refused, or looks odd. They happen although no change does, so that they are
//! gathered here and written by a job in transactions of their own.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use pintle_core::UnixTime;
use pintle_store::AuditChain;
use serde_json::json;
use tokio::sync::Notify;

use crate::{
    AuditAction,
    audit::{Author, Event},
};

/// A flood of refusals must neither fill the disk nor keep changes waiting: of a kind one event a minute is written,
/// and of so many kinds at once. All others are counted together.
const MAX_KINDS: usize = 64;
const WINDOW_SECS: u64 = 60;

/// Something worth an event. Whatever is equal but for the request is of one kind.
#[derive(Clone, Debug)]
pub(crate) struct Incident {
    pub(crate) chain: AuditChain,
    pub(crate) action: AuditAction,
    pub(crate) author: Author,
    /// Kind and id of what it is about.
    pub(crate) target: (&'static str, String),
    /// Why it was refused, or what is odd.
    pub(crate) reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    chain: String,
    action: &'static str,
    /// See [`Author::distinction`].
    author: String,
    target: String,
    reason: &'static str,
}

#[derive(Clone, Debug)]
struct Seen {
    incident: Incident,
    /// Times since it was last written.
    times: u64,
    written_at: Option<UnixTime>,
}

/// What is to be written, and when.
#[derive(Debug, Default)]
pub(crate) struct SecurityEvents {
    seen: Mutex<BTreeMap<Kind, Seen>>,
    wake: Notify,
}

/// Events that are due; they stay so until they are [settled](SecurityEvents::settle).
pub(crate) struct Due {
    kinds: Vec<(Kind, u64)>,
    pub(crate) events: Vec<(Author, Event)>,
}

impl Incident {
    fn kind(&self) -> Kind {
        Kind {
            chain: self.chain.as_str().to_owned(),
            action: self.action.as_str(),
            author: self.author.distinction(),
            target: self.target.1.clone(),
            reason: self.reason,
        }
    }

    /// Stands for all whose kinds were too many.
    fn any() -> Self {
        Self {
            chain: AuditChain::installation(),
            action: AuditAction::SecurityEventsCounted,
            author: Author::system(),
            target: ("kind", "others".to_owned()),
            reason: "too many kinds at once",
        }
    }
}

impl SecurityEvents {
    /// Takes note; cheap, whatever the database does.
    pub(crate) fn note(&self, incident: Incident) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = seen.len() >= MAX_KINDS;
        let incident = if is_full && !seen.contains_key(&incident.kind()) { Incident::any() } else { incident };
        let entry = seen.entry(incident.kind()).or_insert(Seen { incident, times: 0, written_at: None });
        entry.times = entry.times.saturating_add(1);
        let is_new = entry.written_at.is_none();
        drop(seen);
        if is_new {
            self.wake.notify_one();
        }
    }

    /// Returns when something was noted that is to be written at once.
    pub(crate) async fn wait(&self) {
        self.wake.notified().await;
    }

    /// What is due at `now`.
    pub(crate) fn list_due(&self, now: UnixTime) -> Due {
        self.list(|seen| seen.is_over(now))
    }

    /// All there is, due or not.
    pub(crate) fn list_all(&self) -> Due {
        self.list(|_| true)
    }

    fn list(&self, is_due: impl Fn(&Seen) -> bool) -> Due {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.retain(|_, seen| seen.times > 0 || !is_due(seen));
        let due = seen.iter().filter(|(_, seen)| seen.times > 0 && is_due(seen));
        let mut taken = Due { kinds: Vec::new(), events: Vec::new() };
        for (kind, Seen { incident, times, .. }) in due {
            let (target, id) = &incident.target;
            let summary = json!({ "reason": incident.reason, "times": times });
            let event = Event::new(incident.chain.clone(), incident.action, target, id).after(summary);
            taken.kinds.push((kind.clone(), *times));
            taken.events.push((incident.author.clone(), event));
        }
        taken
    }

    /// `due` was written at `now`; the next of these kinds is due a minute later.
    pub(crate) fn settle(&self, due: &Due, now: UnixTime) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for (kind, times) in &due.kinds {
            if let Some(entry) = seen.get_mut(kind) {
                entry.times = entry.times.saturating_sub(*times);
                entry.written_at = Some(now);
            }
        }
    }

    /// When there may be something to write next.
    pub(crate) fn next_due(&self) -> Option<UnixTime> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.values().map(Seen::due_at).min()
    }
}

impl Seen {
    fn due_at(&self) -> UnixTime {
        self.written_at.map_or(UnixTime::from_secs(0), |at| at.saturating_add_secs(WINDOW_SECS))
    }

    fn is_over(&self, now: UnixTime) -> bool {
        now >= self.due_at()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

    fn incident(target: &str) -> Incident {
        Incident {
            chain: AuditChain::installation(),
            action: AuditAction::TokenRefused,
            author: Author::anonymous(crate::RequestContext::default()),
            target: ("token", target.to_owned()),
            reason: "unknown",
        }
    }

    fn write(events: &SecurityEvents, now: UnixTime) -> usize {
        let due = events.list_due(now);
        events.settle(&due, now);
        due.events.len()
    }

    #[test]
    fn the_first_is_written_at_once_and_the_rest_of_the_minute_together() {
        let events = SecurityEvents::default();
        events.note(incident("a"));
        assert_eq!(write(&events, NOW), 1);
        for _ in 0..1000 {
            events.note(incident("a"));
        }
        assert_eq!(write(&events, NOW.saturating_add_secs(59)), 0);
        assert_eq!(events.list_all().events.len(), 1, "the end of the server does not wait");
        assert_eq!(write(&events, NOW.saturating_add_secs(60)), 1);
        assert_eq!(write(&events, NOW.saturating_add_secs(120)), 0);
        assert_eq!(events.next_due(), None, "and is forgotten");
    }

    #[test]
    fn a_flood_of_kinds_is_bounded() {
        let events = SecurityEvents::default();
        for number in 0..10_000 {
            events.note(incident(&number.to_string()));
        }
        assert_eq!(write(&events, NOW), MAX_KINDS + 1);
    }
}
