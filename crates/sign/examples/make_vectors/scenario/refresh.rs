//! Refreshing: when, which URL, with what, and what counts as an answer (P-7.3, P-7.4).

use serde_json::{Value, json};

use super::{Scenario, Scenarios, Start, busy, failed, kept, nothing_kept, ok, ok_without_etag, start, status, under};
use crate::{configuration::NOW, suite::Suite};

const ETAG: Option<&str> = Some("\"1\"");
const NONE: [Option<&str>; 2] = [None, None];

pub(super) fn make_suite() -> Suite {
    let mut suite = Scenarios::new(
        "scenario/refresh.json",
        "When an SDK asks which URL, with which ETag, and how it goes on after an answer that does not count.",
    );
    freshness(&mut suite);
    etags(&mut suite);
    failures(&mut suite);
    retries(&mut suite);
    suite.finish()
}

fn freshness(suite: &mut Scenarios) {
    let mut scenario = Scenario::with("v1");
    scenario.at_ms(599_999).idle_until(600).at(600).asks(ETAG).awaits_answers().check("site", "pinned");
    scenario.at(601).unchanged(1, status(304)).idle_until(1201);
    suite.add("ten-minutes-fresh-then-used-while-one-refresh-runs", &["P-7.3"], &scenario, &kept("v1"));

    let mut scenario = Scenario::with("v1 refresh 60");
    scenario.idle_until(60).at(60).asks(ETAG).updated(1, ok("v2", "\"2\"")).idle_until(660);
    suite.add("each-file-says-how-long-it-is-fresh", &["P-2.4", "P-7.3"], &scenario, &kept("v2"));

    let mut scenario = Scenario::with("v1");
    scenario.at(10).clock(NOW + 100_000).idle_until(600).at(20).clock(NOW - 50_000).idle_until(600);
    suite.add("a-system-clock-that-jumps-moves-no-refresh", &["P-7.3"], &scenario, &kept("v1"));

    for (name, asked_ms, timeout_ms) in [
        ("time-out-of-five-seconds", 5000, 5000),
        ("time-out-of-at-least-a-second", 1, 1000),
        ("time-out-of-at-most-two-minutes", 120_001, 120_000),
    ] {
        let mut scenario = Scenario::begin(Start { fetch_timeout_ms: asked_ms, ..start() });
        scenario.asks_within(&[None], &[], timeout_ms);
        suite.add(name, &["P-7.3"], &scenario, &nothing_kept());
    }

    let mut scenario = Scenario::with("v1");
    scenario.at(600).asks(ETAG).at(601).check("next", "retry_after_refresh").asks_all(&[ETAG], 5000);
    scenario.too_late(1, ok("v2 next", "\"2\"")).updated(2, ok("v3 next", "\"3\"")).check("next", "pinned");
    scenario.idle_until(1201);
    suite.add("one-refresh-at-a-time", &["P-4.11", "P-7.3"], &scenario, &kept("v3 next"));
}

fn etags(suite: &mut Scenarios) {
    let rules = &["P-7.3"];
    let mut scenario = Scenario::with("v1");
    scenario.at(600).asks(ETAG).updated(1, ok("v2", "\"2\"")).at(1200).asks(Some("\"2\""));
    suite.add("a-new-file-has-a-new-etag", rules, &scenario, &kept("v2"));

    let mut scenario = Scenario::with("v1");
    scenario.at(600).asks(ETAG).unchanged(1, ok_without_etag("v1")).at(1200).asks(None);
    suite.add("an-answer-without-etag-ends-the-old-one", rules, &scenario, &kept("v1"));

    let mut scenario = Scenario::begin(under("two urls"));
    let by_url = || {
        let etags = json!({ "https://one.example": "\"one\"", "https://two.example": "\"two\"" });
        json!({ "status": 200, "body": "v1", "etag_by_url": etags })
    };
    scenario.asks_one_of(&NONE, &[]).updated(0, ok_without_etag("v1"));
    scenario.check("next", "retry_after_refresh").asks_all(&NONE, 5000);
    scenario.unchanged(1, by_url()).unchanged(2, by_url()).at(600);
    scenario.asks_one_of(&[Some("\"one\""), Some("\"two\"")], &[]).unchanged(3, status(304)).idle_until(1200);
    suite.add("an-etag-goes-back-to-its-own-url", rules, &scenario, &kept("v1"));
    scenario.at(1200).asks_one_of(&[Some("\"one\""), Some("\"two\"")], &[]).updated(4, ok_without_etag("v2"));
    scenario.at(1800).asks_one_of(&NONE, &[]);
    suite.add("a-new-file-ends-the-etags-of-every-url", rules, &scenario, &kept("v2"));

    let mut scenario = Scenario::with("v5");
    scenario.at(600).asks(ETAG).unchanged(1, ok("v5 by a successor", "\"2\"")).at(1200).asks(Some("\"2\""));
    scenario.rejected(2, ok("v5", "\"1\""), "config_rollback").start(start()).check("site", "pinned");
    suite.add(
        "the-same-claims-signed-anew-are-no-news-and-their-chain-is-kept",
        &["P-3.7", "P-3.10", "P-5.4"],
        &scenario,
        &kept("v5 by a successor"),
    );
}

/// Answers that do not count: the other URL is asked, the copy in use stays.
fn failures(suite: &mut Scenarios) {
    let rules = &["P-7.4"];
    let cases: [(&str, &[&str], Value, &str); 17] = [
        ("no-connection", rules, failed("broken"), "fetch_failed"),
        ("time-out", &["P-7.3", "P-7.4", "P-7.5"], failed("time_out"), "fetch_failed"),
        ("too-many-bytes", &["P-7.3", "P-7.4"], failed("too_large"), "fetch_failed"),
        ("redirect", &["P-7.3", "P-7.4"], status(302), "fetch_failed"),
        ("not-found", &["P-7.4", "P-7.5"], status(404), "fetch_failed"),
        ("gone", &["P-7.4", "P-7.5"], status(410), "fetch_failed"),
        ("server-error", rules, status(500), "fetch_failed"),
        ("empty-success", rules, status(204), "fetch_failed"),
        ("not-modified-without-an-etag", rules, status(304), "fetch_failed"),
        ("garbage", &["P-3.1", "P-7.4", "P-7.5"], ok_without_etag("garbage"), "config_malformed"),
        ("tampered", &["P-3.3", "P-7.4"], ok_without_etag("tampered"), "config_signature_invalid"),
        ("foreign-signature", &["P-3.2", "P-7.4"], ok_without_etag("foreign signature"), "config_key_unknown"),
        ("other-project", &["P-3.5", "P-7.4"], ok_without_etag("other project"), "config_wrong_project"),
        ("older-release", &["P-3.7", "P-7.4"], ok_without_etag("v4"), "config_rollback"),
        ("other-content", &["P-3.7", "P-7.4"], ok_without_etag("v5 next"), "config_equivocation"),
        ("not-understood", &["P-7.4", "P-9.2"], ok_without_etag("v6 not understood"), "config_unsupported"),
        ("ended", &["P-3.8", "P-7.4"], ok_without_etag("v6 fails after 1000"), "config_expired"),
    ];
    for (name, rules, answer, code) in cases {
        let mut scenario = Scenario::begin(under("two urls"));
        scenario.asks_one_of(&NONE, &[]).updated(0, ok_without_etag("v5"));
        scenario.at(1000).asks_one_of(&NONE, &[]).rejected(1, answer, code).check("site", "pinned");
        scenario.asks_one_of(&NONE, &[1]).unchanged(2, ok_without_etag("v5")).idle_until(1600);
        suite.add(&format!("after-{name}-the-other-url"), rules, &scenario, &kept("v5"));
    }

    let mut scenario = Scenario::with("v1");
    let newer = || ok("v2 not understood", "\"2\"");
    scenario.at(600).asks(ETAG).rejected(1, newer(), "config_unsupported").idle(600_000, 601_000);
    scenario.at(700).asks(ETAG).answer(2, newer(), "rejected", "kept", &[]).check("site", "pinned");
    suite.add("what-is-not-understood-is-told-once-and-moves-no-floor", &["P-9.2"], &scenario, &kept("v1"));
}

fn retries(suite: &mut Scenarios) {
    let mut scenario = Scenario::with("v1");
    let mut now = 600;
    for (number, longest) in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600, 600].into_iter().enumerate() {
        scenario.at(now).asks(ETAG).rejected(number + 1, failed("broken"), "fetch_failed");
        scenario.idle(now * 1000, (now + longest) * 1000);
        now += longest;
    }
    scenario.check("site", "pinned").at(now).asks(ETAG).unchanged(14, status(304)).idle_until(now + 600);
    scenario.at(now + 600).asks(ETAG).rejected(15, failed("broken"), "fetch_failed");
    scenario.idle((now + 600) * 1000, (now + 601) * 1000);
    suite.add("retries-are-spread-over-a-growing-time", &["P-7.3"], &scenario, &kept("v1"));

    let mut scenario = Scenario::begin(under("two urls"));
    scenario.asks_one_of(&NONE, &[]).updated(0, ok_without_etag("v1")).at(600);
    scenario.asks_one_of(&NONE, &[]).rejected(1, busy(503, 120), "fetch_failed");
    scenario.asks_one_of(&NONE, &[1]).rejected(2, busy(503, 30), "fetch_failed").idle_until(720);
    suite.add("the-longest-retry-after-of-a-refresh-wins", &["P-7.3", "P-7.4"], &scenario, &kept("v1"));

    let mut scenario = Scenario::begin(under("two urls"));
    scenario.asks_one_of(&NONE, &[]).rejected(0, busy(503, 3000), "fetch_failed");
    scenario.asks_one_of(&NONE, &[0]).updated(1, ok_without_etag("v1")).idle_until(600);
    suite.add("retry-after-of-one-url-does-not-bind-another", &["P-7.3", "P-7.4"], &scenario, &kept("v1"));

    for (name, retry_after, from_ms, to_ms) in [
        ("retry-after-puts-a-retry-off", 120, 120_000, 120_000),
        ("retry-after-of-nothing-hastens-nothing", 0, 0, 1000),
        ("retry-after-of-at-most-an-hour", 1_000_000_000, 3_600_000, 3_600_000),
    ] {
        let mut scenario = Scenario::begin(start());
        scenario.asks(None).rejected(0, busy(429, retry_after), "fetch_failed").idle(from_ms, to_ms);
        suite.add(name, &["P-7.3"], &scenario, &nothing_kept());
    }
}
