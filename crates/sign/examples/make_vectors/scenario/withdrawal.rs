//! Withdrawal: by a signed release, or by 410 everywhere (P-7.5).

use super::{Scenario, Scenarios, failed, kept, ok, ok_without_etag, start, status, under, with_seed};
use crate::suite::Suite;

const ETAG: Option<&str> = Some("\"1\"");
const NONE: [Option<&str>; 2] = [None, None];
const WITHDRAWN: &str = "config_withdrawn";
const FAILED: &str = "fetch_failed";

pub(super) fn make_suite() -> Suite {
    let mut suite = Scenarios::new(
        "scenario/withdrawal.json",
        "A project that is withdrawn, by a release or by 410, and comes back.",
    );
    signed(&mut suite);
    bare(&mut suite);
    not_everywhere(&mut suite);
    suite.finish()
}

fn withdrawn_by_release() -> Scenario {
    let mut scenario = Scenario::with("v1");
    scenario.at(600).asks(ETAG).updated(1, ok("v2 withdrawn", "\"2\"")).events(&[WITHDRAWN]).check("site", WITHDRAWN);
    scenario
}

fn signed(suite: &mut Scenarios) {
    let rules = &["P-7.5", "P-4.10"];
    let mut scenario = withdrawn_by_release();
    scenario.check_host("b.example", "site", "accepted", WITHDRAWN).at(1200).asks(Some("\"2\""));
    scenario.unchanged(2, status(304)).check("site", WITHDRAWN);
    suite.add("a-release-withdraws-every-host", rules, &scenario, &kept("v2 withdrawn"));

    let mut scenario = withdrawn_by_release();
    scenario.start(with_seed("v1")).events(&[WITHDRAWN]).check("site", WITHDRAWN).asks(Some("\"2\""));
    scenario.updated(2, ok("v3", "\"3\"")).check("site", "pinned").start(with_seed("v1")).check("site", "pinned");
    suite.add("only-a-higher-release-brings-it-back", rules, &scenario, &kept("v3"));

    let mut scenario = withdrawn_by_release();
    scenario.damage("file").start(with_seed("v1")).events(&["store_failed", "config_malformed", WITHDRAWN]);
    scenario.check("site", WITHDRAWN).asks(None);
    suite.add("the-flag-survives-its-file", &["P-3.10", "P-7.5"], &scenario, &kept("v2 withdrawn"));

    let mut scenario = withdrawn_by_release();
    scenario.start(with_seed("v3")).check("site", "pinned").asks(None);
    suite.add("a-higher-seed-brings-it-back", &["P-3.11", "P-7.5"], &scenario, &kept("v3"));

    let mut scenario = withdrawn_by_release();
    scenario.at(1200).asks(Some("\"2\"")).rejected(2, ok("v2", "\"x\""), "config_equivocation");
    scenario.check("site", WITHDRAWN);
    suite.add("an-equal-number-does-not-bring-it-back", &["P-3.7", "P-7.5"], &scenario, &kept("v2 withdrawn"));
}

/// One URL; 410 at 600 and at 660 seconds.
fn withdrawn_by_410() -> Scenario {
    let mut scenario = Scenario::with("v1");
    scenario.at(600).asks(ETAG).rejected(1, status(410), FAILED).check("site", "pinned");
    scenario.at(660).asks(None).answer(2, status(410), "rejected", "raised", &[FAILED, WITHDRAWN]);
    scenario.check("site", WITHDRAWN);
    scenario
}

fn gone() -> serde_json::Value {
    let mut gone = kept("v1");
    gone["gone"] = true.into();
    gone
}

fn bare(suite: &mut Scenarios) {
    let rules = &["P-7.5", "P-4.10"];
    let mut scenario = withdrawn_by_410();
    scenario.at(800).asks(None).rejected(3, status(410), FAILED).check("site", WITHDRAWN);
    suite.add("gone-twice-a-minute-apart", rules, &scenario, &gone());

    let mut scenario = Scenario::with("v1");
    scenario.at(600).asks(ETAG).rejected(1, status(410), FAILED);
    scenario.at_ms(659_999).asks(None).rejected(2, status(410), FAILED).check("site", "pinned");
    suite.add("gone-twice-within-a-minute", rules, &scenario, &kept("v1"));

    let mut scenario = withdrawn_by_410();
    scenario.start(start()).events(&[WITHDRAWN]).check("site", WITHDRAWN).asks(None);
    scenario.updated(3, ok("v1", "\"1\"")).check("site", "pinned").at(1260).asks(ETAG);
    suite.add("gone-is-kept-and-the-same-file-ends-it", &["P-3.10", "P-7.5"], &scenario, &kept("v1"));

    let mut scenario = withdrawn_by_410();
    scenario.at(800).asks(None).rejected(3, ok("tampered", "\"x\""), "config_signature_invalid");
    scenario.check("site", WITHDRAWN);
    suite.add("an-unacceptable-file-does-not-end-it", rules, &scenario, &gone());

    let mut scenario = Scenario::with("v1");
    scenario.at(600).asks(ETAG).rejected(1, status(410), FAILED);
    scenario.at(700).asks(None).unchanged(2, ok("v1", "\"1\""));
    scenario.at(1300).asks(ETAG).rejected(3, status(410), FAILED).check("site", "pinned");
    suite.add("an-acceptable-file-in-between-clears-the-first-410", rules, &scenario, &kept("v1"));
}

fn not_everywhere(suite: &mut Scenarios) {
    for (name, other) in [
        ("not-found", status(404)),
        ("time-out", failed("time_out")),
        ("garbage", ok_without_etag("garbage")),
        ("server-error", status(503)),
    ] {
        let code = if name == "garbage" { "config_malformed" } else { FAILED };
        let mut scenario = Scenario::begin(under("two urls"));
        scenario.asks_one_of(&NONE, &[]).updated(0, ok_without_etag("v1"));
        for (secs, first) in [(600, 1), (700, 3), (800, 5)] {
            scenario.at(secs).asks_one_of(&NONE, &[]).rejected(first, status(410), FAILED);
            scenario.asks_one_of(&NONE, &[first]).rejected(first + 1, other.clone(), code);
        }
        scenario.check("site", "pinned");
        suite.add(&format!("gone-at-one-url-and-{name}-at-the-other"), &["P-7.5"], &scenario, &kept("v1"));
    }

    let mut scenario = Scenario::begin(under("two urls"));
    scenario.asks_one_of(&NONE, &[]).updated(0, ok_without_etag("v1")).at(600);
    scenario.asks_one_of(&NONE, &[]).rejected(1, status(410), FAILED);
    scenario.asks_one_of(&NONE, &[1]).rejected(2, status(410), FAILED).at(660);
    scenario.asks_one_of(&NONE, &[]).rejected(3, status(410), FAILED).check("site", "pinned");
    scenario.asks_one_of(&NONE, &[3]).answer(4, status(410), "rejected", "raised", &[FAILED, WITHDRAWN]);
    scenario.check("site", WITHDRAWN);
    suite.add("gone-at-both-urls", &["P-7.5", "P-4.10"], &scenario, &gone());

    let mut scenario = Scenario::begin(under("two urls"));
    scenario.asks_one_of(&NONE, &[]).updated(0, ok_without_etag("v1"));
    for (secs, first, second) in [(600, 1, status(410)), (630, 3, failed("time_out"))] {
        scenario.at(secs).asks_one_of(&NONE, &[]).rejected(first, status(410), FAILED);
        scenario.asks_one_of(&NONE, &[first]).rejected(first + 1, second, FAILED).check("site", "pinned");
    }
    scenario.at(660).asks_one_of(&NONE, &[]).rejected(5, status(410), FAILED);
    scenario.asks_one_of(&NONE, &[5]).answer(6, status(410), "rejected", "raised", &[FAILED, WITHDRAWN]);
    suite.add("a-failed-refresh-in-between-clears-nothing", &["P-7.5"], &scenario, &gone());

    let mut scenario = Scenario::with("v1");
    for (number, secs) in [600, 700, 800, 4000].into_iter().enumerate() {
        scenario.at(secs).asks(ETAG).rejected(number + 1, status(404), FAILED).check("site", "pinned");
    }
    suite.add("not-found-for-an-hour-keeps-the-copy", &["P-7.5"], &scenario, &kept("v1"));
}
