//! Scenarios: an installation that lives through steps.

use std::{fs, path::PathBuf};

use base64ct::{Base64, Encoding};
use libtest_mimic::Failed;
use pintle_testkit::vectors::Case;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::installation::{Brought, Fetch, Installation, Known, Start, flatten, persisted};

struct World<'c> {
    shared: &'c Value,
    storage: TempDir,
    installation: Option<Installation>,
    root: String,
    fetches: Vec<Fetch>,
    generation: Option<u64>,
}

/// What a step brought to light, beside events.
#[derive(Default)]
struct Seen {
    fetches: Vec<Fetch>,
    wait_ms: Option<u64>,
    judged: Option<&'static str>,
    decision: Option<String>,
}

pub(crate) fn run(case: &Case, shared: &Value) -> Result<(), Failed> {
    let storage = tempfile::tempdir().unwrap();
    let mut world =
        World { shared, storage, installation: None, root: String::new(), fetches: Vec::new(), generation: None };
    for (number, step) in case.input["steps"].as_array().unwrap().iter().enumerate() {
        world.take(step).map_err(|seen| format!("step {number}, {step}:\ngot {seen}"))?;
    }
    let persisted = world.persisted();
    if persisted == case.expect {
        return Ok(());
    }
    Err(format!("persisted: expected {}\n     got {persisted}", case.expect).into())
}

impl World<'_> {
    fn dir(&self) -> PathBuf {
        self.storage.path().join("state")
    }

    /// The folder of the root that was taken up last.
    fn store(&self) -> PathBuf {
        let root = self.shared["bundles"][&self.root].to_string();
        let root = pintle_core::Root::parse_bundle(root.as_bytes()).unwrap();
        self.dir().join(crate::installation::to_hex(&root.store_key()))
    }

    fn persisted(&self) -> Value {
        persisted(&self.store())
    }

    fn body(&self, name: &Value) -> Vec<u8> {
        self.shared["bodies"][name.as_str().unwrap()].as_str().unwrap().as_bytes().to_vec()
    }

    fn running(&self) -> &Installation {
        self.installation.as_ref().expect("a start before")
    }

    fn take(&mut self, step: &Value) -> Result<(), String> {
        let clock = (step["now"].as_u64().unwrap(), step["monotonic_ms"].as_u64().unwrap());
        if let Some(installation) = &self.installation {
            installation.set_clock(clock.0, clock.1);
        }
        let seen = self.act(step, clock);
        let earlier = self.fetches.clone();
        self.fetches.extend(seen.fetches.iter().cloned());
        // Decisions and the refreshes they force are seen where they are asked for.
        let told = self.installation.as_ref().map(Installation::take_told).unwrap_or_default().into_iter();
        let told = told.filter(|(kind, _)| kind != "connection" && kind != "refresh_forced");
        let mut codes: Vec<String> = told.filter_map(|(_, code)| code).collect();
        codes.sort_unstable();
        let generation = self.installation.as_ref().map(Installation::generation);
        let moved = self.generation.zip(generation).map(|(before, now)| if now > before { "raised" } else { "kept" });
        self.generation = generation;
        match is_expected(&step["expect"], &seen, &codes, moved, &earlier, clock.1) {
            true => Ok(()),
            false => Err(format!(
                "{codes:?} {moved:?} {:?} {:?} {:?} {:?}",
                seen.fetches, seen.wait_ms, seen.judged, seen.decision
            )),
        }
    }

    fn act(&mut self, step: &Value, clock: (u64, u64)) -> Seen {
        let mut seen = Seen::default();
        match step["do"].as_str().unwrap() {
            "start" => self.start(step, clock),
            "reconfigure" => {
                self.root = step["root"].as_str().unwrap().to_owned();
                self.running().reconfigure(&self.shared["bundles"][&self.root].to_string());
            }
            "set_mode" => self.running().set_permissive(step["mode"] == "permissive"),
            "poll" => {
                let (fetches, wait_ms) = self.running().poll();
                seen = Seen { fetches, wait_ms: Some(wait_ms), ..seen };
            }
            "answer" => seen.judged = Some(self.answer(step)),
            "check" => {
                let certificate = self.shared["certificates"][step["certificate"].as_str().unwrap()].as_str().unwrap();
                let certificate = Base64::decode_vec(certificate).unwrap();
                let known = Known {
                    host: step["host"].as_str().unwrap(),
                    presented: flatten([certificate.as_slice()]),
                    accepted: step["platform"] == "accepted",
                    cannot_wait: true,
                    ..Known::default()
                };
                let decision = self.running().check(&known);
                let word = if decision["verdict"] == "refused" { &decision["code"] } else { &decision["verdict"] };
                seen.decision = word.as_str().map(str::to_owned);
            }
            "wait" => {}
            "damage" => {
                let name = if step["part"] == "file" { "pins.jws" } else { "state.json" };
                fs::write(self.store().join(name), "damaged").unwrap();
            }
            "replace_file" => fs::write(self.store().join("pins.jws"), self.body(&step["body"])).unwrap(),
            "break_store" => {
                fs::rename(self.dir(), self.storage.path().join("away")).unwrap();
                fs::write(self.dir(), "").unwrap();
            }
            "mend_store" => {
                fs::remove_file(self.dir()).unwrap();
                fs::rename(self.storage.path().join("away"), self.dir()).unwrap();
            }
            other => panic!("no such step: {other}"),
        }
        seen
    }

    fn start(&mut self, step: &Value, clock: (u64, u64)) {
        self.installation = None;
        self.generation = None;
        self.root = step["root"].as_str().unwrap().to_owned();
        let dir = self.dir();
        let bundle = self.shared["bundles"][&self.root].to_string();
        let seed = step["seed"].is_string().then(|| self.body(&step["seed"]));
        let start = Start {
            bundle: &bundle,
            seed: seed.as_deref(),
            permissive: step["mode"] == "permissive",
            storage: (step["store"] == true).then_some(dir.as_path()),
            random: u64::from_str_radix(step["random"].as_str().unwrap(), 16).unwrap(),
            // In C it is whole seconds, none of which asks for the default.
            fetch_timeout_secs: u32::try_from(step["fetch_timeout_ms"].as_u64().unwrap().div_ceil(1000)).unwrap(),
            http_loopback: false,
            report_to: step["report_to"].as_str(),
            clock,
        };
        self.installation = Some(Installation::start(&start).expect("a bundle"));
    }

    fn answer(&self, step: &Value) -> &'static str {
        let with = &step["with"];
        let fetch = &self.fetches[usize::try_from(step["to"].as_u64().unwrap()).unwrap()];
        let body = with["body"].as_str().map(|_| self.body(&with["body"])).unwrap_or_default();
        let by_url = with["etag_by_url"].as_object().into_iter().flatten();
        let by_url = by_url.filter(|(url, _)| fetch.url.starts_with(url.as_str())).map(|(_, etag)| etag).next();
        let etag = with["etag"].as_str().or(by_url.and_then(Value::as_str));
        let status = u16::try_from(with["status"].as_u64().unwrap_or(0)).unwrap();
        let brought = Brought { status, etag, retry_after: with["retry_after"].as_u64(), body: &body };
        let generation = self.running().generation();
        match self.running().answer(fetch.id, &brought) {
            Some(_) => "rejected",
            // C tells what was of no use, nothing more; a new configuration shows in the generation.
            None if self.running().generation() > generation => "updated",
            None => "unchanged",
        }
    }
}

fn is_expected(
    expect: &Value,
    seen: &Seen,
    codes: &[String],
    moved: Option<&str>,
    earlier: &[Fetch],
    monotonic_ms: u64,
) -> bool {
    let expected_codes = expect["events"].as_array().map(|codes| {
        let mut codes: Vec<_> = codes.iter().map(|code| code.as_str().unwrap()).collect();
        codes.sort_unstable();
        codes
    });
    let judged = match expect["judged"].as_str() {
        // Neither is of use, and C says no more.
        Some("too_late") => Some("unchanged"),
        judged => judged,
    };
    expected_codes.is_none_or(|expected| expected == codes)
        && expect["generation"].as_str().is_none_or(|expected| Some(expected) == moved)
        && expect["decision"].as_str() == seen.decision.as_deref()
        && judged == seen.judged
        && is_expected_of_poll(expect, seen, earlier, monotonic_ms)
}

fn is_expected_of_poll(expect: &Value, seen: &Seen, earlier: &[Fetch], monotonic_ms: u64) -> bool {
    if !expect["fetch"].is_null() {
        return are_expected(&expect["fetch"], &seen.fetches, earlier);
    }
    let range = expect["idle_until_ms"].as_array();
    let is_in_time = range.is_none_or(|range| {
        let until = seen.wait_ms.map(|wait| wait + monotonic_ms);
        until.is_some_and(|until| range[0].as_u64().unwrap() <= until && until <= range[1].as_u64().unwrap())
    });
    let was_asked_to_wait = expect["waiting"] == true || range.is_some();
    seen.fetches.is_empty() && is_in_time && was_asked_to_wait == seen.wait_ms.is_some()
}

fn body_of(fetch: &Fetch) -> Option<Value> {
    fetch.body.as_deref().map(|body| serde_json::from_str(body).expect("JSON"))
}

fn are_expected(expected: &Value, fetches: &[Fetch], earlier: &[Fetch]) -> bool {
    let unlike = expected["unlike"].as_array().unwrap().iter();
    let mut asked: Vec<_> =
        unlike.map(|number| &earlier[usize::try_from(number.as_u64().unwrap()).unwrap()].url).collect();
    let [shortest, longest] = [0, 1].map(|index| expected["timeout_ms"][index].as_u64().unwrap());
    let one_by_one = fetches.iter().all(|fetch| {
        let is_new = !asked.contains(&&fetch.url);
        asked.push(&fetch.url);
        is_new
            && expected["urls"].get(&fetch.url) == Some(&json!(fetch.etag))
            && expected["bodies"].get(&fetch.url) == body_of(fetch).as_ref()
            && expected["no_cache"] == fetch.no_cache
            && (shortest..=longest).contains(&u64::from(fetch.timeout_ms))
    });
    expected["count"] == fetches.len() && one_by_one
}
