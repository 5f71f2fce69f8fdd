//! The native half of the npm package `pintle`: [`pintle_sdk::Installation`] in JavaScript's types. It has no rule of its own.
//!
//! JavaScript drives it and lives on one thread: nothing here waits. What writes to the disk runs on a thread of libuv's; what
//! happened is kept until it is taken.

use std::{
    mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use napi::{
    Env, Error, Result, Status, Task,
    bindgen_prelude::{AsyncTask, Uint8Array, Uint8ArraySlice},
};
use napi_derive::napi;
use pintle_core::{
    Code, Decision, Mode,
    decide::{PlatformVerdict, Verdict},
};
use pintle_sdk::{
    Action, Answer, Environment, Event, Evidence, Fed, FetchError, Installation, Listener, Outstanding, Setup,
    SystemEnvironment,
};
use rustls_pki_types::CertificateDer;

#[cfg(feature = "dangerous-test")]
pub mod test_door;

/// How an installation is set up.
#[napi(object)]
pub struct NativeOptions {
    /// `pintle.json`.
    pub bundle: Uint8Array,
    /// A signed configuration shipped inside the app.
    pub seed: Option<Uint8Array>,
    /// Whether hosts without an entry pass.
    pub permissive: bool,
    /// To the last byte of a configuration.
    pub fetch_timeout_ms: u32,
    /// Where it is kept.
    pub storage_dir: Option<String>,
    /// Who is told sums of violations.
    pub report_to: Option<String>,
    /// Whether `http` URLs of this machine pass.
    pub http_loopback: bool,
    /// Events below this severity, counted from `debug` as 0, are not kept; none are above 3.
    pub least_severity: u32,
}

/// One request to make.
#[napi(object)]
pub struct NativeFetch {
    /// Names it to `answer` and `fail`.
    pub id: i64,
    /// Where.
    pub url: String,
    /// What to POST; a GET without.
    pub body: Option<String>,
    /// `If-None-Match`.
    pub etag: Option<String>,
    /// Whether to send `Cache-Control: no-cache`.
    pub no_cache: bool,
    /// Give up beyond.
    pub max_bytes: u32,
    /// Give up after, counted to the last byte.
    pub timeout_ms: u32,
}

/// What to do now.
#[napi(object)]
pub struct NativeAction {
    /// This, and ask again at once.
    pub fetch: Option<NativeFetch>,
    /// Else nothing for that long.
    pub wait_ms: f64,
}

/// What was decided.
#[napi(object)]
pub struct NativeDecision {
    /// Whether it may carry requests.
    pub allowed: bool,
    /// `pinned`, `not_covered`, `reported` or `refused`.
    pub verdict: String,
    /// Of a refusal or a reported violation.
    pub code: Option<String>,
    /// Under which trust.
    pub generation: i64,
    /// Name of the entry.
    pub entry: Option<String>,
    /// Position of the pin in it.
    pub pin: Option<u32>,
    /// Position in the path.
    pub position: Option<u32>,
    /// The log list is too old.
    pub ct_list_stale: bool,
}

/// Something that happened.
#[napi(object)]
#[derive(Debug)]
pub struct NativeEvent {
    /// One word.
    pub kind: String,
    /// The stable code.
    pub code: Option<String>,
    /// How much it matters.
    pub severity: String,
    /// The host it is about.
    pub host: Option<String>,
    /// A sentence.
    pub message: String,
}

/// Why something is not as it should be.
#[napi(object)]
pub struct NativeFailure {
    /// The stable code.
    pub code: String,
    /// A sentence.
    pub message: String,
}

/// An installation.
#[napi]
pub struct Native {
    installation: Installation,
    events: Arc<Kept>,
    outstanding: Outstanding<pintle_sdk::Fetch>,
    #[cfg(feature = "dangerous-test")]
    clock: Option<Arc<test_door::TestClock>>,
}

/// What happened and was not taken yet.
struct Kept {
    events: Mutex<Vec<NativeEvent>>,
    least_severity: AtomicU32,
}

impl Kept {
    fn keep(&self, event: &Event) {
        if (event.severity() as u32) < self.least_severity.load(Ordering::Relaxed) {
            return;
        }
        self.events().push(NativeEvent {
            kind: event.kind().to_owned(),
            code: event.code().map(|code| code.as_str().to_owned()),
            severity: event.severity().as_str().to_owned(),
            host: event.host().map(str::to_owned),
            message: event.to_string(),
        });
    }

    fn events(&self) -> MutexGuard<'_, Vec<NativeEvent>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn setup_invalid(error: &impl std::fmt::Display) -> Error {
    // The message begins with the code, which JavaScript takes off again.
    Error::new(Status::InvalidArg, format!("{}: {error}", Code::SetupInvalid))
}

const fn mode(permissive: bool) -> Mode {
    if permissive { Mode::Permissive } else { Mode::Strict }
}

fn start(options: NativeOptions, environment: Arc<dyn Environment>) -> Result<Native> {
    let parsed = Setup::parse_bundle(&options.bundle, options.http_loopback);
    let parsed = parsed.and_then(|setup| setup.with_collector(options.report_to.as_deref()));
    let setup = parsed.map_err(|error| setup_invalid(&error))?;
    let setup = Setup {
        seed: options.seed.map(|seed| seed.to_vec()),
        mode: mode(options.permissive),
        fetch_timeout: Duration::from_millis(options.fetch_timeout_ms.into()),
        storage_dir: options.storage_dir.map(Into::into),
        ..setup
    };
    let events = Arc::new(Kept { events: Mutex::default(), least_severity: options.least_severity.into() });
    let told = events.clone();
    let listener: Arc<Listener> = Arc::new(move |event: &Event| told.keep(event));
    Ok(Native {
        installation: Installation::start(setup, environment, vec![listener], || ()),
        events,
        outstanding: Outstanding::default(),
        #[cfg(feature = "dangerous-test")]
        clock: None,
    })
}

#[napi]
impl Native {
    /// Starts from disk and seed.
    #[napi(constructor)]
    pub fn new(options: NativeOptions) -> Result<Self> {
        start(options, Arc::new(SystemEnvironment::default()))
    }

    /// What to do now.
    #[napi]
    pub fn poll(&self) -> NativeAction {
        match self.installation.poll() {
            Action::Idle { until } => {
                NativeAction { fetch: None, wait_ms: self.installation.wait_until(until).as_secs_f64() * 1000.0 }
            }
            Action::Fetch(fetch) => NativeAction { fetch: Some(self.hand_out(fetch)), wait_ms: 0.0 },
        }
    }

    fn hand_out(&self, fetch: pintle_sdk::Fetch) -> NativeFetch {
        let as_js = NativeFetch {
            id: 0,
            url: fetch.url.clone(),
            body: fetch.body.as_deref().map(|json| String::from_utf8_lossy(json).into_owned()),
            etag: fetch.etag.clone(),
            no_cache: fetch.no_cache,
            max_bytes: u32::try_from(fetch.max_bytes).unwrap_or(u32::MAX),
            timeout_ms: u32::try_from(fetch.timeout.as_millis()).unwrap_or(u32::MAX),
        };
        NativeFetch { id: number(self.outstanding.hand_out(fetch)), ..as_js }
    }

    fn take_back(&self, id: i64) -> Result<pintle_sdk::Fetch> {
        let fetch = u64::try_from(id).ok().and_then(|id| self.outstanding.take_back(id));
        fetch.ok_or_else(|| Error::new(Status::InvalidArg, "no such fetch is under way"))
    }

    /// Gives a server's answer. Resolves to `updated`, `unchanged`, `too_late`, or the code of what was of no use.
    #[napi(ts_return_type = "Promise<string>")]
    pub fn answer(
        &self,
        id: i64,
        status: u32,
        etag: Option<String>,
        retry_after: Option<String>,
        body: Uint8Array,
    ) -> Result<AsyncTask<Feed>> {
        let status = u16::try_from(status).unwrap_or(u16::MAX);
        let answer = Answer::from_http(status, etag, retry_after.as_deref(), body.to_vec());
        Ok(AsyncTask::new(Feed { installation: self.installation.clone(), given: Some((self.take_back(id)?, answer)) }))
    }

    /// Says that there was no complete answer, and why.
    #[napi(ts_return_type = "Promise<string>")]
    pub fn fail(&self, id: i64, error: String) -> Result<AsyncTask<Feed>> {
        let answer = Answer::Failed(FetchError::Transport(error));
        Ok(AsyncTask::new(Feed { installation: self.installation.clone(), given: Some((self.take_back(id)?, answer)) }))
    }

    /// Decides a connection; what news might change is refused with `retry_after_refresh`. The bytes are read in place: what
    /// JavaScript would have to keep alive and collect again costs more than the decision.
    #[napi]
    pub fn check(
        &self,
        host: String,
        presented: Vec<Uint8ArraySlice<'_>>,
        verified_path: Option<Vec<Uint8ArraySlice<'_>>>,
        platform_accepts: bool,
        ocsp_response: Option<Uint8ArraySlice<'_>>,
        sct_list: Option<Uint8ArraySlice<'_>>,
    ) -> NativeDecision {
        let platform = if platform_accepts { PlatformVerdict::Accepted } else { PlatformVerdict::Refused };
        let presented = certificates(&presented);
        let path = verified_path.as_deref().map(certificates);
        let known = match &path {
            Some(path) => Evidence::judged_with_path(&presented, platform, path),
            None => Evidence::judged(&presented, platform),
        };
        let known =
            known.with_ocsp_response(ocsp_response.as_deref().unwrap_or_default()).with_sct_list(sct_list.as_deref());
        decision_in_js(&self.installation.engine().check(&host, &known))
    }

    /// The generation of trust now.
    #[napi]
    pub fn generation(&self) -> i64 {
        i64::try_from(self.installation.engine().generation()).unwrap_or(i64::MAX)
    }

    /// Whether the entry for `host` leaves the certificate authorities out.
    #[napi]
    pub fn is_trusted_by_pins(&self, host: String) -> bool {
        self.installation.engine().snapshot().is_trusted_by_pins(&host)
    }

    /// Whether a configuration is in force.
    #[napi]
    pub fn has_configuration(&self) -> bool {
        self.installation.engine().snapshot().config().is_some()
    }

    /// Makes a refresh due and gives its number.
    #[napi]
    pub fn refresh_now(&self) -> i64 {
        number(self.installation.engine().refresh_now())
    }

    /// The number of the last refresh that began.
    #[napi]
    pub fn started_rounds(&self) -> i64 {
        number(self.installation.engine().started_rounds())
    }

    /// The number of the last refresh that is over.
    #[napi]
    pub fn completed_rounds(&self) -> i64 {
        number(self.installation.engine().completed_rounds())
    }

    /// Why the last refresh that is over failed.
    #[napi]
    pub fn last_failure(&self) -> Option<NativeFailure> {
        let error = self.installation.engine().last_failure()?;
        Some(NativeFailure { code: error.code().as_str().to_owned(), message: error.to_string() })
    }

    /// Takes up another root; gives the number of the refresh that fetches its configuration.
    #[napi]
    pub fn reconfigure(&self, bundle: Uint8Array) -> Result<i64> {
        self.installation.reconfigure(&bundle).map(number).map_err(|error| setup_invalid(&error))
    }

    /// Changes what happens to hosts without an entry.
    #[napi]
    pub fn set_permissive(&self, permissive: bool) {
        self.installation.engine().update(|pinner| pinner.set_mode(mode(permissive)));
    }

    /// What happened since the last call, in order.
    #[napi]
    pub fn take_events(&self) -> Vec<NativeEvent> {
        mem::take(&mut *self.events.events())
    }

    /// Changes which events are kept from now on.
    #[napi]
    pub fn set_least_severity(&self, least: u32) {
        self.events.least_severity.store(least, Ordering::Relaxed);
    }
}

fn number(round: u64) -> i64 {
    i64::try_from(round).unwrap_or(i64::MAX)
}

fn certificates<'a>(ders: &'a [Uint8ArraySlice<'_>]) -> Vec<CertificateDer<'a>> {
    ders.iter().map(|der| CertificateDer::from_slice(der)).collect()
}

fn decision_in_js(decision: &Decision) -> NativeDecision {
    let (verdict, entry, place) = match &decision.verdict {
        Verdict::Pinned { domain, pin, position } => ("pinned", Some(domain), Some((*pin, *position))),
        Verdict::NotCovered => ("not_covered", None, None),
        Verdict::Reported { domain, .. } => ("reported", Some(domain), None),
        Verdict::Refused { domain, .. } => ("refused", domain.as_ref(), None),
    };
    let as_u32 = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    NativeDecision {
        allowed: decision.is_allowed(),
        verdict: verdict.to_owned(),
        code: decision.code().map(|code| code.as_str().to_owned()),
        generation: number(decision.generation),
        entry: entry.map(ToString::to_string),
        pin: place.map(|(pin, _)| as_u32(pin)),
        position: place.map(|(_, position)| as_u32(position)),
        ct_list_stale: decision.ct_list_stale,
    }
}

/// Judges an answer and persists what came of it, off JavaScript's thread.
pub struct Feed {
    installation: Installation,
    given: Option<(pintle_sdk::Fetch, Answer)>,
}

impl Task for Feed {
    type Output = &'static str;
    type JsValue = String;

    fn compute(&mut self) -> Result<Self::Output> {
        let Some((fetch, answer)) = self.given.take() else { return Ok("too_late") };
        Ok(match self.installation.feed(&fetch, answer) {
            Fed::Updated => "updated",
            Fed::Unchanged => "unchanged",
            Fed::TooLate => "too_late",
            Fed::Rejected(error) => error.code().as_str(),
        })
    }

    fn resolve(&mut self, _env: Env, judged: Self::Output) -> Result<Self::JsValue> {
        Ok(judged.to_owned())
    }
}

/// Every stable code.
#[napi]
pub fn codes() -> Vec<String> {
    Code::ALL.iter().map(|code| code.as_str().to_owned()).collect()
}

/// The protocol level this addon speaks.
#[napi]
pub fn protocol_level() -> u32 {
    pintle_core::PROTOCOL_LEVEL
}

/// `User-Agent` of its fetches.
#[napi]
pub fn user_agent() -> String {
    pintle_sdk::user_agent("node")
}
