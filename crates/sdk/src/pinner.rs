//! The refresh machine of one installation: sans-I/O.

mod action;
mod schedule;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use pintle_core::{
    Accepted, Code, ConfigError, Mode, Root, State, UnixTime,
    claims::{CtPolicy, OnStale},
    crypto::sha256,
    ct,
    limits::{DEFAULT_REFRESH_SECS, MAX_CONFIG_BYTES},
    verify,
};

pub(crate) use self::action::Errand;
pub use self::action::{Action, Answer, Fed, Fetch, Options};
use self::schedule::{Outcome, Schedule, Step};
use crate::{Event, FetchError, Memory, Moment, Record, Snapshot, Source, StorePart};

/// Two refreshes that find the project gone must lie this far apart (P-7.5).
const GONE_INTERVAL: Duration = Duration::from_secs(60);

/// Holds what an installation trusts, says what to fetch ([`poll`](Self::poll)) and judges what came of it
/// ([`feed`](Self::feed)). It does no I/O and reads no clock: the host language does, and passes both in.
///
/// ```
/// use pintle_core::Root;
/// use pintle_sdk::{Action, Answer, Fed, FetchError, Moment, Options, Pinner, Record};
///
/// # let bundle = br#"{"organization":"acme","project":"app","urls":["https://cdn.example.com"],
/// #  "public_key":"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ=="}"#;
/// let root = Root::parse_bundle(bundle)?;
/// let moment = Moment::default();
/// let mut pinner = Pinner::new(root, Options::default(), Record::default(), None, moment.now);
/// if let Action::Fetch(fetch) = pinner.poll(moment) {
///     assert_eq!(fetch.url, "https://cdn.example.com/acme/app/pins.jws");
///     // Fetch it with the platform's own HTTP client; say that there was no answer:
///     let failure = Answer::Failed(FetchError::TimedOut(fetch.timeout));
///     assert!(matches!(pinner.feed(&fetch, failure, moment), Fed::Rejected(_)));
/// }
/// # Ok::<(), pintle_core::root::SetupError>(())
/// ```
#[derive(Debug)]
pub struct Pinner {
    snapshot: Arc<Snapshot>,
    /// The file in use, byte for byte.
    config_bytes: Option<Vec<u8>>,
    state: State,
    etags: BTreeMap<String, String>,
    gone: bool,
    /// When a refresh first found every URL gone.
    gone_since: Option<Duration>,
    gone_in_round: usize,
    /// The refresh that was asked for last, and how it last failed.
    round: u64,
    failure: Option<FetchError>,
    schedule: Schedule,
    unsaved: bool,
    stale_reported: bool,
    ct_list_stale_reported: bool,
    /// SHA-256 of the last file that needs a newer SDK: one event per file, not per refresh (P-9.2).
    unsupported: Option<[u8; 32]>,
    events: Vec<Event>,
}

impl Pinner {
    /// Starts from what was persisted and from the seed, whichever is the higher release (P-3.11).
    #[must_use]
    pub fn new(root: Root, options: Options, record: Record, seed: Option<&[u8]>, now: UnixTime) -> Self {
        let urls = root.urls().len();
        let Memory { state, gone, draw, etags } = record.memory;
        let fresh_draw = || Some(u8::try_from(options.draw_from? % 100).unwrap_or(0));
        let new_draw = if draw.is_none() { fresh_draw() } else { None };
        let snapshot = Snapshot::new(Arc::new(root), options.mode, draw.or(new_draw), options.first_generation);
        let mut pinner = Self {
            snapshot: Arc::new(snapshot),
            config_bytes: None,
            state,
            etags: BTreeMap::new(),
            gone,
            gone_since: None,
            gone_in_round: 0,
            round: 0,
            failure: None,
            schedule: Schedule::new(urls, options.fetch_timeout, options.chance),
            unsaved: new_draw.is_some(),
            stale_reported: false,
            ct_list_stale_reported: false,
            unsupported: None,
            events: Vec::new(),
        };
        let remembered = pinner.state.clone();
        if let Some(bytes) = record.config {
            pinner.start_from(bytes, Source::Store, now);
        }
        if let Some(bytes) = seed {
            pinner.start_from(bytes.to_vec(), Source::Seed, now);
        }
        if pinner.config_bytes.is_some() && pinner.state == remembered {
            // ETags speak of the file that was remembered, not of a seed, nor of a file that a crash left without memory.
            pinner.etags = etags;
        }
        pinner.replace_snapshot(|_| ());
        if pinner.snapshot.withdrawn {
            pinner.events.push(Event::ConfigWithdrawn);
        }
        pinner.report_stale(now);
        pinner
    }

    fn start_from(&mut self, bytes: Vec<u8>, source: Source, now: UnixTime) {
        match verify(&bytes, &self.snapshot.root, &self.state, now) {
            Ok(accepted) => {
                let is_news = accepted.state != self.state;
                // On a tie the file in use stays, unless this one brings a longer chain: chain and bytes belong together.
                if is_news || self.config_bytes.is_none() {
                    self.unsaved |= is_news || source != Source::Store;
                    self.install(bytes, accepted, source);
                }
            }
            Err(error) if source == Source::Seed && error.code() == Code::ConfigRollback => {}
            Err(error) => {
                // What fails by the clock alone stays where it is: the clock may be wrong today.
                let by_clock = matches!(error, ConfigError::NotYetValid { .. } | ConfigError::Expired { .. });
                if source == Source::Store && !by_clock {
                    self.events.push(Event::StoreSetAside { part: StorePart::Config });
                }
                self.events.push(Event::ConfigRejected { source, error });
            }
        }
    }

    /// What decisions are made on.
    #[must_use]
    pub fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    /// What to do now.
    pub fn poll(&mut self, at: Moment) -> Action {
        self.report_stale(at.now);
        match self.schedule.poll(at.monotonic) {
            Step::Wait { until } => Action::Idle { until },
            Step::Ask { round, url, forced, timeout } => {
                if round != self.round {
                    self.round = round;
                    self.failure = None;
                    self.gone_in_round = 0;
                }
                let Some(base) = self.snapshot.root.urls().get(url) else {
                    return Action::Idle { until: at.monotonic };
                };
                // P-7.5: a 304 could not clear a 410.
                let conditional = !self.gone && self.gone_since.is_none() && self.config_bytes.is_some();
                let etag = self.etags.get(base.as_str()).filter(|_| conditional).cloned();
                Action::Fetch(Fetch {
                    url: self.snapshot.root.pointer_url(base),
                    body: None,
                    etag,
                    no_cache: forced,
                    max_bytes: MAX_CONFIG_BYTES,
                    timeout,
                    errand: Errand::Refresh { round, base: url },
                })
            }
        }
    }

    /// Judges an answer.
    pub fn feed(&mut self, fetch: &Fetch, answer: Answer, at: Moment) -> Fed {
        let Some((_, base)) = fetch.refresh().filter(|(round, base)| self.schedule.expects(*round, *base)) else {
            return Fed::TooLate;
        };
        let fed = match answer {
            Answer::Config { bytes, etag } => self.feed_config(fetch, base, bytes, etag.as_deref(), at),
            Answer::NotModified if fetch.etag.is_some() => Fed::Unchanged,
            Answer::NotModified => Fed::Rejected(FetchError::UnaskedNotModified),
            Answer::Failed(error) => Fed::Rejected(error),
        };
        let outcome = match &fed {
            Fed::Rejected(error) => {
                self.report_failure(fetch, error);
                self.failure = Some(error.clone());
                let retry_after = match error {
                    FetchError::Status { retry_after, .. } => *retry_after,
                    _ => None,
                };
                Outcome::Failure { retry_after }
            }
            _ => Outcome::Success { refresh: self.refresh_interval() },
        };
        self.gone_in_round += usize::from(matches!(fed, Fed::Rejected(FetchError::Gone)));
        if self.schedule.count(base, outcome, at.monotonic) {
            self.count_gone(at.monotonic);
        }
        self.report_stale(at.now);
        fed
    }

    fn feed_config(&mut self, fetch: &Fetch, base: usize, bytes: Vec<u8>, etag: Option<&str>, at: Moment) -> Fed {
        let accepted = match verify(&bytes, &self.snapshot.root, &self.state, at.now) {
            Ok(accepted) => accepted,
            Err(error) => {
                if matches!(error, ConfigError::Unsupported(_)) {
                    let digest = sha256(&bytes);
                    if self.unsupported.replace(digest) == Some(digest) {
                        return Fed::Rejected(FetchError::Config(error));
                    }
                }
                let source = Source::Url(fetch.url.clone());
                self.events.push(Event::ConfigRejected { source, error: error.clone() });
                return Fed::Rejected(FetchError::Config(error));
            }
        };
        self.gone_since = None;
        let unchanged = self.config_bytes.is_some() && accepted.state.floor == self.state.floor && !self.gone;
        if unchanged {
            // The same claims may come signed anew, by a successor even: chain and bytes belong together.
            self.unsaved |= self.config_bytes.as_ref() != Some(&bytes);
            self.state = accepted.state;
            self.config_bytes = Some(bytes);
        } else {
            self.gone = false;
            self.install(bytes, accepted, Source::Url(fetch.url.clone()));
            self.unsaved = true;
            if self.state.withdrawn {
                self.events.push(Event::ConfigWithdrawn);
            }
        }
        self.remember_etag(base, etag);
        if unchanged { Fed::Unchanged } else { Fed::Updated }
    }

    fn install(&mut self, bytes: Vec<u8>, accepted: Accepted, source: Source) {
        let Accepted { config, state } = accepted;
        if let Some(floor) = state.floor {
            self.events.push(Event::ConfigAccepted { source, floor });
        }
        self.state = state;
        self.config_bytes = Some(bytes);
        self.stale_reported = false;
        self.ct_list_stale_reported = false;
        // What other URLs said, they said of another file.
        self.etags.clear();
        let config = Arc::new(config);
        self.replace_snapshot(|snapshot| snapshot.config = Some(config));
    }

    fn replace_snapshot(&mut self, change: impl FnOnce(&mut Snapshot)) {
        let withdrawn = self.gone || self.state.withdrawn;
        let time_floor = self.state.time_floor;
        self.snapshot = Arc::new(self.snapshot.succeeded_by(|snapshot| {
            snapshot.withdrawn = withdrawn;
            snapshot.time_floor = time_floor;
            change(snapshot);
        }));
    }

    fn remember_etag(&mut self, base: usize, etag: Option<&str>) {
        let Some(base) = self.snapshot.root.urls().get(base).map(ToString::to_string) else { return };
        let earlier = match etag {
            Some(etag) => self.etags.insert(base, etag.to_owned()),
            None => self.etags.remove(&base),
        };
        self.unsaved |= earlier.as_deref() != etag;
    }

    fn report_failure(&mut self, fetch: &Fetch, error: &FetchError) {
        // A refused file has its own event.
        if !matches!(error, FetchError::Config(_)) {
            self.events.push(Event::FetchFailed { url: fetch.url.clone(), error: error.clone() });
        }
    }

    /// P-7.5, at the end of a round.
    fn count_gone(&mut self, at: Duration) {
        let everywhere = self.gone_in_round == self.snapshot.root.urls().len();
        if !everywhere || self.gone {
            return;
        }
        let since = *self.gone_since.get_or_insert(at);
        if at.saturating_sub(since) >= GONE_INTERVAL {
            self.gone = true;
            self.unsaved = true;
            self.replace_snapshot(|_| ());
            self.events.push(Event::ConfigWithdrawn);
        }
    }

    fn report_stale(&mut self, now: UnixTime) {
        self.report_stale_config(now);
        self.report_stale_ct_list(now);
    }

    fn report_stale_config(&mut self, now: UnixTime) {
        let Some(config) = self.snapshot.config() else { return };
        let claims = config.claims();
        if self.stale_reported || claims.on_stale != OnStale::Keep {
            return;
        }
        if let Some(expired_at) = claims.expires_at
            && config.is_past_expiry(self.snapshot.effective_time(now))
        {
            self.stale_reported = true;
            self.events.push(Event::ConfigStale { expired_at });
        }
    }

    /// P-6.4.
    fn report_stale_ct_list(&mut self, now: UnixTime) {
        let Some(config) = self.snapshot.config() else { return };
        let claims = config.claims();
        let uses_list = claims.domains.iter().any(|domain| domain.ct.policy == CtPolicy::Verified);
        if let Some(as_of) = claims.ct_logs_as_of
            && !self.ct_list_stale_reported
            && uses_list
            && ct::is_list_stale(config, self.snapshot.effective_time(now))
        {
            self.ct_list_stale_reported = true;
            self.events.push(Event::CtListStale { as_of });
        }
    }

    fn refresh_interval(&self) -> Duration {
        let secs = self.snapshot.config().map_or(DEFAULT_REFRESH_SECS, |config| config.claims().refresh_secs);
        Duration::from_secs(secs)
    }

    /// Starts over with another root (P-5.5) and what was persisted of it; mode, generations and the count of refreshes
    /// go on, and answers still under way come too late.
    pub fn reconfigure(&mut self, root: Root, record: Record, draw_from: Option<u64>, now: UnixTime) {
        let (mode, first_generation) = (self.snapshot.mode, self.snapshot.next_generation());
        // The same root under other URLs loses nothing, persisted or not.
        let is_same = root.store_key() == self.snapshot.root.store_key();
        let record = if is_same { self.record() } else { record };
        let schedule = self.schedule.succeeded_by(root.urls().len());
        let options = Options { mode, draw_from, first_generation, ..Options::default() };
        *self = Self { schedule, ..Self::new(root, options, record, None, now) };
    }

    /// Changes what happens to hosts without an entry; raises the generation.
    pub fn set_mode(&mut self, mode: Mode) {
        self.replace_snapshot(|snapshot| snapshot.mode = mode);
    }

    /// Makes a refresh due now. Returns its number: it is over once [`completed_rounds`](Self::completed_rounds) has
    /// reached it.
    pub fn refresh_now(&mut self) -> u64 {
        self.schedule.make_due()
    }

    /// Asks for the forced refresh of P-4.11 and returns its number; `None` if the last one is less than a minute ago.
    pub fn force_refresh(&mut self, at: Moment) -> Option<u64> {
        self.schedule.force(at.monotonic)
    }

    /// The number of the last refresh that is over, successful or not.
    #[must_use]
    pub fn completed_rounds(&self) -> u64 {
        self.schedule.completed()
    }

    /// Why the last refresh that is over failed; `None` if it succeeded.
    #[must_use]
    pub fn last_failure(&self) -> Option<FetchError> {
        if self.schedule.last_succeeded() {
            return None;
        }
        Some(self.failure.clone().unwrap_or(FetchError::Lost))
    }

    /// The number of the last refresh that began.
    #[must_use]
    pub fn started_rounds(&self) -> u64 {
        self.schedule.started()
    }

    /// What to persist (P-3.10), if it changed since the last call.
    pub fn take_unsaved(&mut self) -> Option<Record> {
        std::mem::take(&mut self.unsaved).then(|| self.record())
    }

    /// Makes [`take_unsaved`](Self::take_unsaved) give the same again: it could not be persisted.
    pub fn keep_unsaved(&mut self) {
        self.unsaved = true;
    }

    fn record(&self) -> Record {
        Record {
            config: self.config_bytes.clone(),
            memory: Memory {
                state: self.state.clone(),
                gone: self.gone,
                draw: self.snapshot.draw,
                etags: self.etags.clone(),
            },
        }
    }

    /// What happened since the last call, in order.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }
}
