//! One installation with its store: what every runtime shares, whether tokio, a thread or a host language drives it.

mod outstanding;
mod refresher;
mod reporter;
mod signal;
mod storage;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use pintle_core::{
    Code, Decision, Mode, Root,
    root::{BaseUrl, SetupError},
};

pub use self::{outstanding::Outstanding, refresher::Fetcher};
use self::{reporter::Reporter, signal::Signal, storage::Storage};
use crate::{
    Action, Answer, Engine, Environment, Event, Evidence, Fed, Fetch, FetchError, Listener, Options, Pinner,
    StoreError, pinner::Errand, report::Report,
};

/// A forced refresh is over after five seconds (P-4.11), and whoever drives it may be late.
const LONGEST_FORCED: Duration = Duration::from_secs(6);

/// What an app says when it sets up pinning.
#[derive(Clone, Debug)]
pub struct Setup {
    /// What it embeds.
    pub root: Root,
    /// A signed configuration shipped inside the app (P-1.1).
    pub seed: Option<Vec<u8>>,
    /// What happens to hosts without an entry.
    pub mode: Mode,
    /// To the last byte of a configuration: 1 to 120 seconds (P-7.3).
    pub fetch_timeout: Duration,
    /// Under which the store of each root lies; `None` keeps everything in memory.
    pub storage_dir: Option<PathBuf>,
    /// Who is told sums of violations (`docs/spec/reports.md`); `None`: nobody.
    pub report_to: Option<BaseUrl>,
    /// Whether bundles may name `http` URLs of this machine (P-1.3).
    pub dangerous_http_loopback: bool,
}

impl Setup {
    /// With defaults: strict, nothing kept on disk, no seed.
    #[must_use]
    pub fn new(root: Root) -> Self {
        let Options { mode, fetch_timeout, .. } = Options::default();
        Self {
            root,
            seed: None,
            mode,
            fetch_timeout,
            storage_dir: None,
            report_to: None,
            dangerous_http_loopback: false,
        }
    }

    /// From the bundle `pintle.json`, through the door that was opened (P-1.3).
    pub fn parse_bundle(bundle: &[u8], dangerous_http_loopback: bool) -> Result<Self, SetupError> {
        let root = parse_bundle(bundle, dangerous_http_loopback)?;
        Ok(Self { dangerous_http_loopback, ..Self::new(root) })
    }

    /// The collector at `url`, through the same door; `None` for nobody.
    pub fn with_collector(self, url: Option<&str>) -> Result<Self, SetupError> {
        let parse = match self.dangerous_http_loopback {
            true => BaseUrl::dangerous_parse_http_loopback,
            false => BaseUrl::parse,
        };
        Ok(Self { report_to: url.map(parse).transpose()?, ..self })
    }
}

fn parse_bundle(bundle: &[u8], http_loopback: bool) -> Result<Root, SetupError> {
    match http_loopback {
        true => Root::dangerous_parse_bundle_with_http_loopback(bundle),
        false => Root::parse_bundle(bundle),
    }
}

/// A running installation that somebody drives: what [`poll`](Self::poll) asks for is fetched and
/// [fed](Self::feed), by [threads](Self::spawn_refresher) or by a host language. Everything here blocks, if at all, for
/// as long as it says.
///
/// Clones share one state.
#[derive(Clone)]
pub struct Installation {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    storage: Storage,
    reporter: Option<Reporter>,
    http_loopback: bool,
    environment: Arc<dyn Environment>,
    /// Raised whenever a refresh may have ended or something new is to be polled.
    signal: Arc<Signal>,
    /// Held while a record is on its way to the disk, so that a later one is not overtaken.
    persisting: Mutex<()>,
}

/// Why there is no configuration after set-up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no configuration: {0}")]
pub struct NotReady(pub FetchError);

impl NotReady {
    /// The stable code (P-8.1).
    #[must_use]
    pub const fn code(&self) -> Code {
        self.0.code()
    }
}

impl Installation {
    /// Starts from disk and seed. `wake` is called when [`poll`](Self::poll) has something new to say before the time it
    /// named. Nothing is fetched until somebody polls.
    pub fn start(
        setup: Setup,
        environment: Arc<dyn Environment>,
        listeners: Vec<Arc<Listener>>,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        let storage = Storage(setup.storage_dir);
        let root = setup.root;
        let (record, loaded) = storage.load(&root);
        let options = Options {
            mode: setup.mode,
            fetch_timeout: setup.fetch_timeout,
            draw_from: storage.0.is_some().then(|| environment.random()),
            chance: environment.random(),
            ..Options::default()
        };
        let mut pinner = Pinner::new(root.clone(), options, record, setup.seed.as_deref(), environment.now());
        let events: Vec<_> = loaded.into_iter().chain(pinner.take_events()).collect();
        let signal = Arc::new(Signal::default());
        let raised = signal.clone();
        let engine = Engine::new(pinner, environment.clone(), move || {
            raised.raise();
            wake();
        });
        for listener in listeners {
            engine.listen(move |event| listener(event));
        }
        let installation = Self {
            inner: Arc::new(Inner {
                engine,
                storage,
                reporter: setup.report_to.map(Reporter::new),
                http_loopback: setup.dangerous_http_loopback,
                environment,
                signal,
                persisting: Mutex::default(),
            }),
        };
        installation.count_violations();
        installation.tell_start(&root, &events);
        installation.persist();
        installation
    }

    /// What decides.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    /// What to fetch now, or how long to wait.
    pub fn poll(&self) -> Action {
        let completed = self.engine().completed_rounds();
        let action = self.engine().poll();
        if self.engine().completed_rounds() != completed {
            // One ran out of time.
            self.inner.signal.raise();
        }
        let Action::Idle { until } = action else { return action };
        match self.poll_reporter() {
            Some(Action::Idle { until: due }) => Action::Idle { until: until.min(due) },
            Some(report) => report,
            None => action,
        }
    }

    fn poll_reporter(&self) -> Option<Action> {
        let reporter = self.inner.reporter.as_ref()?;
        reporter.poll(&self.engine().snapshot().root, self.inner.environment.monotonic())
    }

    /// For how long nothing needs to be polled, unless woken.
    #[must_use]
    pub fn wait_until(&self, until: Duration) -> Duration {
        until.saturating_sub(self.inner.environment.monotonic())
    }

    /// Judges what a fetch brought, and persists what came of it. A report that arrived changes nothing
    /// ([`Fed::Unchanged`]); one that did not goes with the next.
    pub fn feed(&self, fetch: &Fetch, answer: Answer) -> Fed {
        if let Errand::Report(report) = &fetch.errand {
            return self.feed_report(report, answer);
        }
        let fed = self.engine().feed(fetch, answer);
        if !matches!(fed, Fed::TooLate) {
            self.persist();
        }
        self.inner.signal.raise();
        fed
    }

    fn feed_report(&self, report: &Report, answer: Answer) -> Fed {
        let error = match answer {
            Answer::Config { .. } | Answer::Failed(FetchError::Status { status: 200..=299, .. }) => {
                return Fed::Unchanged;
            }
            Answer::NotModified => FetchError::UnaskedNotModified,
            Answer::Failed(error) => error,
        };
        tracing::info!(%error, "violations not reported; they go with the next report");
        // Not to the project that took its place.
        if let Some(reporter) = &self.inner.reporter
            && Arc::ptr_eq(&report.root, &self.engine().snapshot().root)
        {
            reporter.put_back(report.tally.clone());
            self.engine().wake();
        }
        Fed::Rejected(error)
    }

    /// Decides a connection, and where news may change a refusal waits for them: six seconds at most, once a minute
    /// (P-4.11).
    pub fn check_and_wait(&self, host: &str, evidence: &Evidence<'_>) -> Decision {
        let decision = self.engine().check(host, evidence);
        if decision.code() != Some(Code::RetryAfterRefresh) {
            return decision;
        }
        self.wait_for_forced_refresh();
        self.engine().check(host, evidence)
    }

    /// Waits until the refresh that a refusal forced is over: six seconds at most.
    pub fn wait_for_forced_refresh(&self) {
        self.wait_for_refresh(self.engine().started_rounds(), LONGEST_FORCED);
    }

    /// Waits until a configuration is in force: at once from disk or seed, else until the first refresh is over.
    pub fn wait_until_ready(&self, longest: Duration) -> Result<(), NotReady> {
        self.wait_for_configuration(1, longest)
    }

    /// Refreshes now, and waits until that is over and persisted.
    pub fn refresh(&self, longest: Duration) -> Result<(), FetchError> {
        let round = self.engine().refresh_now();
        // A forced one may have taken its place.
        let is_over =
            self.wait_for_refresh(round, longest) && self.wait_for_refresh(self.engine().started_rounds(), longest);
        if !is_over {
            return Err(FetchError::TimedOut(longest));
        }
        self.engine().last_failure().map_or(Ok(()), Err)
    }

    /// Takes up the root of another bundle, for this process only (P-5.5). Gives the number of the refresh that fetches
    /// its configuration; see [`wait_for_configuration`](Self::wait_for_configuration).
    pub fn reconfigure(&self, bundle: &[u8]) -> Result<u64, SetupError> {
        let inner = &self.inner;
        let root = parse_bundle(bundle, inner.http_loopback)?;
        self.persist();
        let (record, loaded) = inner.storage.load(&root);
        let draw_from = inner.storage.0.is_some().then(|| inner.environment.random());
        let now = inner.environment.now();
        let (events, round) = inner.engine.update(|pinner| {
            pinner.reconfigure(root.clone(), record, draw_from, now);
            (pinner.take_events(), pinner.refresh_now())
        });
        if let Some(reporter) = &inner.reporter {
            reporter.forget();
        }
        self.tell_start(&root, &loaded.into_iter().chain(events).collect::<Vec<_>>());
        self.persist();
        Ok(round)
    }

    /// Waits until a configuration is in force: at once if one is, else until the refresh `round` is over.
    pub fn wait_for_configuration(&self, round: u64, longest: Duration) -> Result<(), NotReady> {
        let is_missing = || self.engine().snapshot().config().is_none();
        if is_missing() && !self.wait_for_refresh(round, longest) && is_missing() {
            return Err(NotReady(FetchError::TimedOut(longest)));
        }
        match self.engine().last_failure() {
            Some(error) if is_missing() => Err(NotReady(error)),
            _ => Ok(()),
        }
    }

    /// False if `longest` passed first.
    fn wait_for_refresh(&self, round: u64, longest: Duration) -> bool {
        // None where that lies beyond every clock.
        let deadline = Instant::now().checked_add(longest);
        loop {
            let seen = self.inner.signal.seen();
            if self.engine().completed_rounds() >= round {
                return true;
            }
            let left = deadline.map_or(longest, |deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return false;
            }
            self.inner.signal.wait_beyond(seen, left);
        }
    }

    /// Writes what is new to the disk, if there is one.
    pub(crate) fn persist(&self) {
        // Told after the lock: a listener may call back.
        if let Err(error) = self.persist_one_at_a_time() {
            self.engine().tell(&Event::StoreFailed(error));
        }
    }

    fn persist_one_at_a_time(&self) -> Result<(), StoreError> {
        let _one_at_a_time = self.inner.persisting.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((root, record)) = self.engine().take_unsaved() else { return Ok(()) };
        let Some(store) = self.inner.storage.store_of(&root) else { return Ok(()) };
        // Tried again after the next refresh.
        store.save(&record).inspect_err(|_| self.engine().keep_unsaved())
    }

    fn count_violations(&self) {
        if self.inner.reporter.is_none() {
            return;
        }
        let weak = Arc::downgrade(&self.inner);
        self.engine().listen(move |event| {
            let (Event::Connection { decision, version, .. }, Some(inner)) = (event, weak.upgrade()) else { return };
            if let Some(reporter) = &inner.reporter
                && reporter.note(decision, *version, &*inner.environment)
            {
                inner.engine.wake();
            }
        });
    }

    /// Tells what happened while `root` was taken up, and moves away what of it turned out damaged.
    fn tell_start(&self, root: &Root, events: &[Event]) {
        for event in events {
            if let Some(error) = self.inner.storage.set_aside(root, event) {
                self.engine().tell(&Event::StoreFailed(error));
            }
            self.engine().tell(event);
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // The refresher sees that nobody is left.
        self.signal.raise();
    }
}

impl std::fmt::Debug for Installation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Installation").field("engine", self.engine()).finish_non_exhaustive()
    }
}
