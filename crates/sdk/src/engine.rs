use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

use pintle_core::{Code, Decision, Root, UnixTime, decide::Verdict};

use crate::{Action, Answer, Environment, Event, Evidence, Fed, Fetch, FetchError, Pinner, Record, Snapshot};

/// Called for every event, on the thread where it happens: keep it short.
pub type Listener = dyn Fn(&Event) + Send + Sync;

/// A [`Pinner`] that many threads share: decides connections in TLS hooks, tells listeners. No I/O, no async.
///
/// Clones share one state.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    environment: Arc<dyn Environment>,
    pinner: Mutex<Pinner>,
    snapshot: RwLock<Arc<Snapshot>>,
    listeners: RwLock<Vec<Arc<Listener>>>,
    wake: Box<dyn Fn() + Send + Sync>,
}

impl Engine {
    /// `wake` is called when [`poll`](Self::poll) has something new to say before the time it named.
    pub fn new(pinner: Pinner, environment: Arc<dyn Environment>, wake: impl Fn() + Send + Sync + 'static) -> Self {
        let snapshot = RwLock::new(pinner.snapshot().clone());
        let listeners = RwLock::default();
        Self {
            inner: Arc::new(Inner {
                environment,
                pinner: Mutex::new(pinner),
                snapshot,
                listeners,
                wake: Box::new(wake),
            }),
        }
    }

    /// Tells `listener` every event from now on.
    pub fn listen(&self, listener: impl Fn(&Event) + Send + Sync + 'static) {
        self.inner.listeners.write().unwrap_or_else(PoisonError::into_inner).push(Arc::new(listener));
    }

    /// What decisions are made on now.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.inner.snapshot.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The generation of trust now: no connection decided under another one may carry a request (P-4.10).
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.snapshot().generation(self.inner.environment.now())
    }

    /// `T` of section 3 now: what certificates and pins are dated against.
    #[must_use]
    pub fn effective_time(&self) -> UnixTime {
        self.snapshot().effective_time(self.inner.environment.now())
    }

    /// Decides a connection, for a caller that cannot wait: what a forced refresh might change is refused with
    /// `retry_after_refresh`, and one is asked for (P-4.11). Come back after it.
    pub fn check(&self, host: &str, evidence: &Evidence<'_>) -> Decision {
        self.or_internal_error(host, || self.check_or_panic(host, evidence))
    }

    fn check_or_panic(&self, host: &str, evidence: &Evidence<'_>) -> Decision {
        let snapshot = self.snapshot();
        let decision = snapshot.decide(host, evidence, self.inner.environment.now());
        if let Verdict::Refused { code, .. } = decision.verdict
            && may_change_by_refresh(code)
            && self.force_refresh().is_some()
        {
            self.tell(&Event::RefreshForced { host: host.to_owned(), code });
            let verdict = Verdict::Refused { code: Code::RetryAfterRefresh, domain: None };
            return Decision { verdict, ..decision };
        }
        let version = snapshot.config().map(|config| config.claims().version);
        self.tell(&Event::Connection { host: host.to_owned(), decision: decision.clone(), version });
        decision
    }

    /// P-4.9: a panic is a refusal, in both modes.
    pub(crate) fn or_internal_error(&self, host: &str, decide: impl FnOnce() -> Decision) -> Decision {
        catch_unwind(AssertUnwindSafe(decide)).unwrap_or_else(|_| {
            let verdict = Verdict::Refused { code: Code::InternalError, domain: None };
            // What is refused carries no request under any generation.
            let decision = Decision { verdict, generation: 0, ct_list_stale: false };
            self.tell(&Event::Connection { host: host.to_owned(), decision: decision.clone(), version: None });
            decision
        })
    }

    /// Makes a refresh due now and returns its number.
    pub fn refresh_now(&self) -> u64 {
        let round = self.pinner().refresh_now();
        (self.inner.wake)();
        round
    }

    fn force_refresh(&self) -> Option<u64> {
        let round = self.pinner().force_refresh(self.inner.environment.moment())?;
        (self.inner.wake)();
        Some(round)
    }

    /// The number of the last refresh that is over.
    #[must_use]
    pub fn completed_rounds(&self) -> u64 {
        self.pinner().completed_rounds()
    }

    /// Why the last refresh that is over failed; `None` if it succeeded.
    #[must_use]
    pub fn last_failure(&self) -> Option<FetchError> {
        self.pinner().last_failure()
    }

    /// The number of the last refresh that began.
    #[must_use]
    pub fn started_rounds(&self) -> u64 {
        self.pinner().started_rounds()
    }

    /// What to fetch now, or how long to wait.
    pub fn poll(&self) -> Action {
        let action = self.pinner().poll(self.inner.environment.moment());
        self.publish();
        action
    }

    /// Judges what a fetch brought.
    pub fn feed(&self, fetch: &Fetch, answer: Answer) -> Fed {
        let fed = self.pinner().feed(fetch, answer, self.inner.environment.moment());
        self.publish();
        fed
    }

    /// What to persist, and of which root, if it changed since the last call.
    #[must_use]
    pub fn take_unsaved(&self) -> Option<(Arc<Root>, Record)> {
        let mut pinner = self.pinner();
        let record = pinner.take_unsaved()?;
        Some((pinner.snapshot().root.clone(), record))
    }

    /// Puts back what [`take_unsaved`](Self::take_unsaved) gave and could not be persisted.
    pub fn keep_unsaved(&self) {
        self.pinner().keep_unsaved();
    }

    /// Changes the pinner, then publishes what came of it.
    pub fn update<T>(&self, change: impl FnOnce(&mut Pinner) -> T) -> T {
        let changed = change(&mut self.pinner());
        self.publish();
        (self.inner.wake)();
        changed
    }

    /// Tells an event to the log and to every listener.
    pub(crate) fn tell(&self, event: &Event) {
        event.log();
        let listeners = self.inner.listeners.read().unwrap_or_else(PoisonError::into_inner).clone();
        for listener in listeners {
            // A listener is the app's code; its panic must not become ours.
            let _caught = catch_unwind(AssertUnwindSafe(|| listener(event)));
        }
    }

    /// Says that there is something new to do before the time that [`poll`](Self::poll) named.
    #[cfg(feature = "disk")]
    pub(crate) fn wake(&self) {
        (self.inner.wake)();
    }

    fn publish(&self) {
        let events = {
            let mut pinner = self.pinner();
            *self.inner.snapshot.write().unwrap_or_else(PoisonError::into_inner) = pinner.snapshot().clone();
            pinner.take_events()
        };
        events.iter().for_each(|event| self.tell(event));
    }

    fn pinner(&self) -> MutexGuard<'_, Pinner> {
        // A panic while it was held left it as it was before or after one step: both are states it may be in.
        self.inner.pinner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("snapshot", &self.snapshot()).finish_non_exhaustive()
    }
}

/// P-4.11: what P-4.4, P-4.5, P-4.7 and P-4.8 refuse.
const fn may_change_by_refresh(code: Code) -> bool {
    matches!(
        code,
        Code::KeyDenied | Code::DomainNotRegistered | Code::AllPinsExpired | Code::PinMismatch | Code::CtNotSatisfied
    )
}
