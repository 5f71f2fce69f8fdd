//! An installation that lives through the steps of one scenario, as the SDK's runtime would drive it.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use base64ct::{Base64, Encoding};
use pintle_core::{Root, State, decide::Verdict};
use pintle_sdk::{Action, Answer, Event, Evidence, Fed, Fetch, FetchError, Listener, Setup};
use serde_json::{Value, json};

use crate::{
    Difference,
    material::Material,
    step::{Expect, ExpectedFetch, Failure, Generation, Part, Start, Status, Step, What, With},
    world::{Clocks, Disk},
};

pub(crate) struct Installation<'m> {
    material: &'m Material,
    clocks: Arc<Clocks>,
    disk: Disk,
    process: Option<Process>,
    /// The root of the last start: what the store is asked for in the end.
    root: Option<Root>,
    fetches: Vec<Fetch>,
    told: Arc<Mutex<Vec<&'static str>>>,
}

/// What ends with the process.
struct Process {
    installation: pintle_sdk::Installation,
    generation: Option<u64>,
}

/// What a step brought to light, beside events.
#[derive(Default)]
struct Seen {
    decision: Option<String>,
    judged: Option<&'static str>,
    fetches: Vec<Fetch>,
    idle_until: Option<Duration>,
}

impl<'m> Installation<'m> {
    pub(crate) fn new(material: &'m Material) -> Self {
        Self {
            material,
            clocks: Arc::default(),
            disk: Disk::new(),
            process: None,
            root: None,
            fetches: Vec::new(),
            told: Arc::default(),
        }
    }

    /// Takes one step; an error says what was seen instead of what is expected.
    pub(crate) fn take(&mut self, step: &Step) -> Result<(), Difference> {
        self.clocks.set(step.now, step.monotonic_ms);
        let seen = self.act(&step.what);
        let earlier_fetches = self.fetches.len();
        self.fetches.extend(seen.fetches.iter().cloned());
        let mut told = std::mem::take(&mut *self.told.lock().expect("events"));
        told.sort_unstable();
        let generation = self.process.as_mut().map(Process::next_generation);
        let earlier = self.fetches.get(..earlier_fetches).unwrap_or_default();
        if is_expected(&step.expect, &seen, &told, generation.flatten(), earlier) {
            return Ok(());
        }
        let fetches: Vec<_> = seen.fetches.iter().map(|fetch| format!("{fetch:?}")).collect();
        Err(json!({
            "events": told, "raised": generation.flatten().map(|generation| generation == Generation::Raised),
            "decision": seen.decision, "judged": seen.judged, "fetches": fetches,
            "idle_until_ms": seen.idle_until.map(|until| u64::try_from(until.as_millis()).expect("milliseconds")),
        }))
    }

    fn act(&mut self, what: &What) -> Seen {
        let mut seen = Seen::default();
        match what {
            What::Start(start) => self.start(start),
            What::Reconfigure { root } => {
                let bundle = self.material.bundle(root);
                self.root = Some(Root::parse_bundle(bundle).expect("a bundle"));
                self.running().reconfigure(bundle).expect("a bundle");
            }
            What::SetMode { mode } => self.running().engine().update(|pinner| pinner.set_mode((*mode).into())),
            What::Poll => {
                seen.idle_until = Some(loop {
                    match self.running().poll() {
                        Action::Fetch(fetch) => seen.fetches.push(fetch),
                        Action::Idle { until } => break until,
                    }
                });
            }
            What::Answer { to, with } => {
                let fetch = &self.fetches[*to];
                seen.judged = Some(match self.running().feed(fetch, self.answer(fetch, with)) {
                    Fed::Updated => "updated",
                    Fed::Unchanged => "unchanged",
                    Fed::Rejected(_) => "rejected",
                    Fed::TooLate => "too_late",
                });
            }
            What::Check { host, certificate, platform } => {
                let presented = [self.material.certificate(certificate)];
                let engine = self.running().engine();
                let decision = engine.check(host, &Evidence::judged(&presented, (*platform).into()));
                assert_eq!(decision.generation, engine.generation(), "a decision carries the generation");
                seen.decision = Some(match decision.verdict {
                    Verdict::Pinned { .. } => "pinned".to_owned(),
                    Verdict::NotCovered => "not_covered".to_owned(),
                    Verdict::Reported { .. } => "reported".to_owned(),
                    Verdict::Refused { code, .. } => code.as_str().to_owned(),
                });
            }
            What::Wait => {}
            What::Damage { part } => self.overwrite(*part, b"damaged"),
            What::ReplaceFile { body } => self.overwrite(Part::File, &self.material.body(body)),
            What::BreakStore => self.disk.take_away(),
            What::MendStore => self.disk.bring_back(),
        }
        seen
    }

    fn start(&mut self, start: &Start) {
        let setup = Setup::parse_bundle(self.material.bundle(&start.root), false).expect("a bundle");
        let setup = Setup {
            seed: start.seed.as_deref().map(|seed| self.material.body(seed)),
            mode: start.mode.into(),
            fetch_timeout: Duration::from_millis(start.fetch_timeout_ms),
            storage_dir: start.store.then(|| self.disk.dir()),
            ..setup.with_collector(start.report_to.as_deref()).expect("a collector")
        };
        self.root = Some(setup.root.clone());
        self.clocks.set_random(u64::from_str_radix(&start.random, 16).expect("eight bytes"));
        let told = self.told.clone();
        let listener: Arc<Listener> = Arc::new(move |event| tell(&told, event));
        let installation = pintle_sdk::Installation::start(setup, self.clocks.clone(), vec![listener], || ());
        self.process = Some(Process { installation, generation: None });
    }

    fn answer(&self, fetch: &Fetch, with: &With) -> Answer {
        let status = match with {
            With::Failed { failed } => {
                return Answer::Failed(match failed {
                    Failure::Broken => FetchError::Transport("connection reset".to_owned()),
                    Failure::TimeOut => FetchError::TimedOut(fetch.timeout),
                    Failure::TooLarge => FetchError::TooLarge(fetch.max_bytes),
                });
            }
            With::Status(status) => status,
        };
        match status {
            Status { status: 200, body, etag, etag_by_url, .. } => {
                let by_url = etag_by_url.iter().find(|(url, _)| fetch.url.starts_with(*url)).map(|(_, etag)| etag);
                let bytes = self.material.body(body.as_deref().expect("a body"));
                Answer::Config { bytes, etag: etag.as_ref().or(by_url).cloned() }
            }
            Status { status: 304, .. } => Answer::NotModified,
            Status { status: 410, .. } => Answer::Failed(FetchError::Gone),
            Status { status, retry_after, .. } => {
                let retry_after = retry_after.map(Duration::from_secs);
                Answer::Failed(FetchError::Status { status: *status, retry_after })
            }
        }
    }

    fn overwrite(&self, part: Part, bytes: &[u8]) {
        self.disk.overwrite(self.root.as_ref().expect("a start before"), part, bytes);
    }

    /// What the store holds of the last root.
    pub(crate) fn persisted(&self) -> Value {
        let root = self.root.as_ref().expect("a start");
        let memory = self.disk.store(root).load().expect("a store that can be read").record.memory;
        json!({ "state": state_json(&memory.state), "gone": memory.gone, "draw": memory.draw })
    }

    fn running(&self) -> &pintle_sdk::Installation {
        &self.process.as_ref().expect("a start before").installation
    }
}

impl Process {
    /// How the generation moved since the last step; `None` at the start.
    fn next_generation(&mut self) -> Option<Generation> {
        let now = self.installation.engine().generation();
        let before = self.generation.replace(now)?;
        Some(match now.cmp(&before) {
            std::cmp::Ordering::Less => panic!("generation {now} after {before}"),
            std::cmp::Ordering::Equal => Generation::Kept,
            std::cmp::Ordering::Greater => Generation::Raised,
        })
    }
}

/// Decisions and the refreshes they force are seen where they are asked for.
fn tell(told: &Mutex<Vec<&'static str>>, event: &Event) {
    if !matches!(event, Event::Connection { .. } | Event::RefreshForced { .. }) {
        told.lock().expect("events").extend(event.code().map(|code| code.as_str()));
    }
}

fn is_expected(expect: &Expect, seen: &Seen, told: &[&str], generation: Option<Generation>, earlier: &[Fetch]) -> bool {
    let events = expect.events.clone().map(|mut events| {
        events.sort_unstable();
        events
    });
    events.is_none_or(|events| events == told)
        && expect.generation.is_none_or(|expected| Some(expected) == generation)
        && expect.decision == seen.decision
        && expect.judged.as_deref() == seen.judged
        && is_expected_of_poll(expect, seen, earlier)
}

fn is_expected_of_poll(expect: &Expect, seen: &Seen, earlier: &[Fetch]) -> bool {
    if let Some(expected) = &expect.fetch {
        return are_expected(expected, &seen.fetches, earlier);
    }
    let is_in_time = expect.idle_until_ms.is_none_or(|[from, to]| {
        let [from, to] = [from, to].map(Duration::from_millis);
        seen.idle_until.is_some_and(|until| (from..=to).contains(&until))
    });
    let was_asked_to_wait = expect.waiting || expect.idle_until_ms.is_some();
    seen.fetches.is_empty() && is_in_time && was_asked_to_wait == seen.idle_until.is_some()
}

fn are_expected(expected: &ExpectedFetch, fetches: &[Fetch], earlier: &[Fetch]) -> bool {
    let [shortest, longest] = expected.timeout_ms.map(Duration::from_millis);
    let mut asked: Vec<_> = expected.unlike.iter().map(|number| &earlier[*number].url).collect();
    let one_by_one = fetches.iter().all(|fetch| {
        let is_new = !asked.contains(&&fetch.url);
        asked.push(&fetch.url);
        is_new
            && expected.urls.get(&fetch.url) == Some(&fetch.etag)
            && expected.bodies.get(&fetch.url) == body_of(fetch).as_ref()
            && fetch.no_cache == expected.no_cache
            && (shortest..=longest).contains(&fetch.timeout)
    });
    fetches.len() == expected.count && one_by_one
}

fn body_of(fetch: &Fetch) -> Option<Value> {
    fetch.body.as_deref().map(|body| serde_json::from_slice(body).expect("JSON"))
}

fn state_json(state: &State) -> Value {
    let Some(floor) = state.floor else { return Value::Null };
    let links = state.chain.iter();
    let chain: Vec<_> =
        links.map(|link| json!({ "seq": link.seq, "key": link.key.to_base64(), "signer": link.signer })).collect();
    json!({
        "floor": {
            "recovery_seq": floor.recovery_seq,
            "version": floor.version,
            "claims_digest": Base64::encode_string(&floor.claims_digest),
        },
        "chain": chain,
        "time_floor": state.time_floor.as_secs(),
        "withdrawn": state.withdrawn,
    })
}
