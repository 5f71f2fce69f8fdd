//! Sequences of events: what an SDK's refresh machine asks, believes, tells and keeps.

mod forced;
mod generation;
mod material;
mod refresh;
mod reports;
mod start;
mod store;
mod withdrawal;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{configuration::NOW, key::standard, suite::Suite};
use material::{body, bundle, certificate, release};

pub(crate) fn make_suites() -> Vec<Suite> {
    vec![
        start::make_suite(),
        refresh::make_suite(),
        forced::make_suite(),
        withdrawal::make_suite(),
        generation::make_suite(),
        store::make_suite(),
        reports::make_suite(),
    ]
}

/// One file of scenarios. It shares what its cases name.
struct Scenarios {
    suite: Suite,
    bundles: BTreeSet<String>,
    certificates: BTreeSet<String>,
    bodies: BTreeSet<String>,
}

impl Scenarios {
    fn new(path: &'static str, about: &'static str) -> Self {
        Self {
            suite: Suite::new(path, "scenario", about),
            bundles: BTreeSet::new(),
            certificates: BTreeSet::new(),
            bodies: BTreeSet::new(),
        }
    }

    fn add(&mut self, name: &str, rules: &[&str], scenario: &Scenario, persisted: &Value) {
        for step in &scenario.steps {
            let named = |member: &str| step[member].as_str().map(str::to_owned);
            self.bundles.extend(named("root"));
            self.certificates.extend(named("certificate"));
            let bodies = [&step["seed"], &step["with"]["body"], &step["body"]];
            self.bodies.extend(bodies.into_iter().filter_map(Value::as_str).map(str::to_owned));
        }
        self.suite.case_of_steps(name, rules, &scenario.steps, persisted.clone());
    }

    fn finish(mut self) -> Suite {
        for name in &self.bundles {
            self.suite.share("bundles", name, bundle(name));
        }
        for name in &self.certificates {
            self.suite.share("certificates", name, standard(&certificate(name)));
        }
        for name in &self.bodies {
            self.suite.share("bodies", name, body(name));
        }
        self.suite
    }
}

/// What is persisted at the end: after the release of this name was accepted, and draw 0.
fn kept(name: &str) -> Value {
    json!({ "state": release(name).state(), "gone": false, "draw": 0 })
}

/// What is persisted at the end where nothing was ever accepted.
fn nothing_kept() -> Value {
    json!({ "state": null, "gone": false, "draw": 0 })
}

/// A step of `start`.
#[derive(Clone, Copy)]
struct Start<'a> {
    root: &'a str,
    seed: Option<&'a str>,
    mode: &'a str,
    random: &'a str,
    fetch_timeout_ms: u64,
    store: bool,
    report_to: Option<&'a str>,
}

impl Default for Start<'_> {
    fn default() -> Self {
        let random = "0000000000000000";
        Self {
            root: "plain",
            seed: None,
            mode: "strict",
            random,
            fetch_timeout_ms: 10_000,
            store: true,
            report_to: None,
        }
    }
}

fn start() -> Start<'static> {
    Start::default()
}

fn with_seed(seed: &str) -> Start<'_> {
    Start { seed: Some(seed), ..Start::default() }
}

fn under(root: &str) -> Start<'_> {
    Start { root, ..Start::default() }
}

/// 200 with this body.
fn ok(body: &str, etag: &str) -> Value {
    json!({ "status": 200, "body": body, "etag": etag })
}

fn ok_without_etag(body: &str) -> Value {
    json!({ "status": 200, "body": body })
}

fn status(status: u16) -> Value {
    json!({ "status": status })
}

fn busy(status: u16, retry_after: u64) -> Value {
    json!({ "status": status, "retry_after": retry_after })
}

/// No answer: `time_out`, `broken` or `too_large`.
fn failed(how: &str) -> Value {
    json!({ "failed": how })
}

/// Steps in order. Each method adds one; [`events`](Self::events) and [`generation`](Self::generation) amend the last.
struct Scenario {
    now: u64,
    monotonic_ms: u64,
    urls: Vec<String>,
    steps: Vec<Value>,
}

impl Scenario {
    /// Begins with a first start under `start`.
    fn begin(start: Start<'_>) -> Self {
        let mut scenario = Self { now: NOW, monotonic_ms: 0, urls: vec![], steps: vec![] };
        scenario.start(start);
        scenario
    }

    /// Begins under the bundle `plain`, with `body` fetched and its ETag `"1"`.
    fn with(body: &str) -> Self {
        let mut scenario = Self::begin(start());
        scenario.asks(None).updated(0, ok(body, "\"1\""));
        scenario
    }

    /// From now on it is `secs` after the beginning, on both clocks.
    fn at(&mut self, secs: u64) -> &mut Self {
        self.at_ms(secs * 1000)
    }

    fn at_ms(&mut self, ms: u64) -> &mut Self {
        (self.now, self.monotonic_ms) = (NOW + ms / 1000, ms);
        self
    }

    /// From now on the system clock says this.
    fn clock(&mut self, now: u64) -> &mut Self {
        self.now = now;
        self
    }

    fn step(&mut self, mut step: Value, expect: Value) -> &mut Self {
        step["now"] = self.now.into();
        step["monotonic_ms"] = self.monotonic_ms.into();
        step["expect"] = expect;
        self.steps.push(step);
        self
    }

    fn expectation(&mut self) -> &mut Value {
        &mut self.steps.last_mut().unwrap()["expect"]
    }

    /// The last step tells these codes.
    fn events(&mut self, codes: &[&str]) -> &mut Self {
        self.expectation()["events"] = json!(codes);
        self
    }

    /// The last step leaves the generation `kept` or `raised`.
    fn generation(&mut self, generation: &str) -> &mut Self {
        self.expectation()["generation"] = generation.into();
        self
    }

    /// Whether the last step raises the generation is left open.
    fn any_generation(&mut self) -> &mut Self {
        self.expectation().as_object_mut().unwrap().remove("generation");
        self
    }

    fn start(&mut self, start: Start<'_>) -> &mut Self {
        let Start { root, seed, mode, random, fetch_timeout_ms, store, report_to } = start;
        self.urls = urls(root);
        let mut step = json!({
            "do": "start", "root": root, "seed": seed, "mode": mode, "random": random,
            "fetch_timeout_ms": fetch_timeout_ms, "store": store,
        });
        if let Some(collector) = report_to {
            step["report_to"] = collector.into();
        }
        self.step(step, json!({ "events": [] }))
    }

    /// Another root, at run time.
    fn reconfigure(&mut self, root: &str) -> &mut Self {
        self.urls = urls(root);
        self.step(json!({ "do": "reconfigure", "root": root }), json!({ "events": [], "generation": "raised" }))
    }

    fn set_mode(&mut self, mode: &str) -> &mut Self {
        self.step(json!({ "do": "set_mode", "mode": mode }), json!({ "events": [], "generation": "raised" }))
    }

    /// Nothing but time passes.
    fn wait(&mut self) -> &mut Self {
        self.plain("wait")
    }

    fn break_store(&mut self) -> &mut Self {
        self.plain("break_store")
    }

    fn mend_store(&mut self) -> &mut Self {
        self.plain("mend_store")
    }

    fn plain(&mut self, what: &str) -> &mut Self {
        self.step(json!({ "do": what }), json!({ "events": [], "generation": "kept" }))
    }

    /// The kept `file` or `memory` becomes unreadable, between two starts.
    fn damage(&mut self, part: &str) -> &mut Self {
        self.step(json!({ "do": "damage", "part": part }), json!({}))
    }

    /// The kept file becomes this one, and the memory stays: a crash between two writes.
    fn replace_file(&mut self, body: &str) -> &mut Self {
        self.step(json!({ "do": "replace_file", "body": body }), json!({}))
    }

    fn asks_of(&mut self, etags: &[Option<&str>], more: &Value) -> &mut Self {
        let urls: serde_json::Map<_, _> =
            self.urls.iter().zip(etags).map(|(url, etag)| (url.clone(), json!(etag))).collect();
        let mut fetch = json!({ "urls": urls });
        fetch.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.step(json!({ "do": "poll" }), json!({ "fetch": fetch, "events": [], "generation": "kept" }))
    }

    /// An ordinary refresh asks the one URL there is.
    fn asks(&mut self, etag: Option<&str>) -> &mut Self {
        self.asks_one_of(&[etag], &[])
    }

    /// An ordinary refresh asks one of the URLs, with the ETag that is its own, but none of those of earlier fetches.
    fn asks_one_of(&mut self, etags: &[Option<&str>], unlike: &[usize]) -> &mut Self {
        self.asks_within(etags, unlike, 10_000)
    }

    fn asks_within(&mut self, etags: &[Option<&str>], unlike: &[usize], timeout_ms: u64) -> &mut Self {
        let more = json!({
            "count": 1, "unlike": unlike, "no_cache": false, "timeout_ms": [timeout_ms, timeout_ms],
        });
        self.asks_of(etags, &more)
    }

    /// A forced refresh asks every URL, `left_ms` before its end.
    fn asks_all(&mut self, etags: &[Option<&str>], left_ms: u64) -> &mut Self {
        let more = json!({ "count": etags.len(), "unlike": [], "no_cache": true, "timeout_ms": [1, left_ms] });
        self.asks_of(etags, &more)
    }

    /// An ordinary refresh asks the one URL there is, and this report leaves for the collector.
    fn asks_and_reports(&mut self, etag: Option<&str>, collector: &str, report: &Value) -> &mut Self {
        self.asks_of(&[etag], &json!({ "count": 2, "unlike": [], "no_cache": false, "timeout_ms": [1000, 120_000] }));
        let fetch = &mut self.expectation()["fetch"];
        fetch["urls"][collector] = Value::Null;
        fetch["bodies"] = json!({ collector: report });
        self
    }

    /// Nothing to do until a time within these milliseconds of the monotonic clock.
    fn idle(&mut self, from_ms: u64, to_ms: u64) -> &mut Self {
        let expect = json!({ "idle_until_ms": [from_ms, to_ms], "events": [], "generation": "kept" });
        self.step(json!({ "do": "poll" }), expect)
    }

    /// Nothing to do until `secs`.
    fn idle_until(&mut self, secs: u64) -> &mut Self {
        self.idle(secs * 1000, secs * 1000)
    }

    /// Nothing to ask while answers are under way.
    fn awaits_answers(&mut self) -> &mut Self {
        self.step(json!({ "do": "poll" }), json!({ "waiting": true, "events": [], "generation": "kept" }))
    }

    fn answer(&mut self, to: usize, with: Value, judged: &str, generation: &str, events: &[&str]) -> &mut Self {
        let mut step = json!({ "do": "answer", "to": to });
        step["with"] = with;
        self.step(step, json!({ "judged": judged, "generation": generation, "events": events }))
    }

    /// The answer to fetch number `to` brings a new configuration.
    fn updated(&mut self, to: usize, with: Value) -> &mut Self {
        self.answer(to, with, "updated", "raised", &[])
    }

    fn unchanged(&mut self, to: usize, with: Value) -> &mut Self {
        self.answer(to, with, "unchanged", "kept", &[])
    }

    fn rejected(&mut self, to: usize, with: Value, code: &str) -> &mut Self {
        self.answer(to, with, "rejected", "kept", &[code])
    }

    fn too_late(&mut self, to: usize, with: Value) -> &mut Self {
        self.answer(to, with, "too_late", "kept", &[])
    }

    /// A hook that cannot wait decides a connection to `a.example`.
    fn check(&mut self, certificate: &str, decision: &str) -> &mut Self {
        self.check_host("a.example", certificate, "accepted", decision)
    }

    fn check_host(&mut self, host: &str, certificate: &str, platform: &str, decision: &str) -> &mut Self {
        let step = json!({ "do": "check", "host": host, "certificate": certificate, "platform": platform });
        self.step(step, json!({ "decision": decision, "events": [], "generation": "kept" }))
    }
}

fn urls(root: &str) -> Vec<String> {
    let bundle = bundle(root);
    let project = format!("{}/{}", bundle["organization"].as_str().unwrap(), bundle["project"].as_str().unwrap());
    let bases = bundle["urls"].as_array().unwrap().iter();
    bases.map(|base| format!("{}/{project}/pins.jws", base.as_str().unwrap())).collect()
}
