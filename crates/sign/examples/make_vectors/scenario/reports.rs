//! Sums of violations, and when they leave (`docs/spec/reports.md`).

use serde_json::{Value, json};

use super::{Scenario, Scenarios, Start, kept, nothing_kept, ok, start, status};
use crate::suite::Suite;

const COLLECTOR: &str = "https://collector.example/reports";
const ETAG: Option<&str> = Some("\"1\"");
const RETRY: &str = "retry_after_refresh";
const HOUR: u64 = 3600;

pub(super) fn make_suite() -> Suite {
    let mut suite = Scenarios::new(
        "scenario/reports.json",
        "What an installation with a collector tells it, at most once an hour; and that it tells nothing where nothing happened.",
    );
    sums(&mut suite);
    once_an_hour(&mut suite);
    nothing(&mut suite);
    another_project(&mut suite);
    suite.finish()
}

fn reporting() -> Start<'static> {
    Start { report_to: Some(COLLECTOR), ..start() }
}

/// With `body` fetched, and its ETag `"1"`.
fn reporting_with(body: &str) -> Scenario {
    let mut scenario = Scenario::begin(reporting());
    scenario.asks(None).updated(0, ok(body, "\"1\""));
    scenario
}

fn report(counts: &Value) -> Value {
    json!({ "format": 1, "organization": "acme", "project": "app", "counts": counts })
}

fn refused(times: u64) -> Value {
    json!([{ "domain": "a.example", "code": "pin_mismatch", "version": 1, "refused": times, "reported": 0 }])
}

fn sums(suite: &mut Scenarios) {
    let rules = &["R-1", "R-2", "R-4"];
    let mut scenario = reporting_with("v1 next");
    scenario.at(10).check("site", RETRY).asks_all(&[ETAG], 5000).at(11).unchanged(1, status(304));
    scenario.check("site", "pin_mismatch").check("site", "pin_mismatch");
    scenario.at(11 + HOUR).asks_and_reports(ETAG, COLLECTOR, &report(&refused(2)));
    scenario.unchanged(2, status(304)).unchanged(3, status(204)).idle_until(611 + HOUR);
    scenario.at(11 + 2 * HOUR).asks(ETAG);
    suite.add("refusals-leave-within-the-hour-and-once", rules, &scenario, &kept("v1 next"));

    let mut scenario = reporting_with("v1 next under report");
    scenario.check("site", "reported").check("next", "pinned");
    let counts = json!([{ "domain": "a.example", "code": "pin_mismatch", "version": 1, "refused": 0, "reported": 1 }]);
    scenario.at(HOUR).asks_and_reports(ETAG, COLLECTOR, &report(&counts));
    suite.add("what-is-only-reported-is-told-apart", rules, &scenario, &kept("v1 next under report"));

    let mut scenario = reporting_with("v1");
    scenario.check_host("my-secret.example", "site", "accepted", RETRY).asks_all(&[ETAG], 5000);
    scenario.unchanged(1, status(304)).check_host("my-secret.example", "site", "accepted", "domain_not_registered");
    let counts = json!([{ "code": "domain_not_registered", "version": 1, "refused": 1, "reported": 0 }]);
    scenario.at(HOUR).asks_and_reports(ETAG, COLLECTOR, &report(&counts));
    suite.add("no-host-that-a-user-chose-leaves", rules, &scenario, &kept("v1"));

    let mut scenario = reporting_with("v1 next");
    scenario.at(10).check("site", RETRY).asks_all(&[ETAG], 5000).at(11).unchanged(1, status(304));
    scenario.check("site", "pin_mismatch").at(11 + HOUR).asks_and_reports(ETAG, COLLECTOR, &report(&refused(1)));
    scenario.unchanged(2, status(304)).answer(3, status(500), "rejected", "kept", &[]).idle_until(611 + HOUR);
    scenario.at(611 + HOUR).asks(ETAG).unchanged(4, status(304)).check("site", RETRY).asks_all(&[ETAG], 5000);
    scenario.unchanged(5, status(304)).check("site", "pin_mismatch");
    scenario.at(11 + 2 * HOUR).asks_and_reports(ETAG, COLLECTOR, &report(&refused(2)));
    suite.add("what-the-collector-did-not-take-goes-with-the-next", rules, &scenario, &kept("v1 next"));
}

fn once_an_hour(suite: &mut Scenarios) {
    let reported = |times| {
        report(
            &json!([{ "domain": "a.example", "code": "pin_mismatch", "version": 1, "refused": 0, "reported": times }]),
        )
    };
    let mut scenario = reporting_with("v1 next under report");
    scenario.check("site", "reported").at(HOUR).asks_and_reports(ETAG, COLLECTOR, &reported(1));
    scenario.unchanged(1, status(304)).unchanged(2, status(204)).check("site", "reported").idle_until(HOUR + 600);
    scenario.at(2 * HOUR).asks_and_reports(ETAG, COLLECTOR, &reported(1));
    suite.add("the-next-leaves-no-sooner-than-an-hour-later", &["R-4"], &scenario, &kept("v1 next under report"));
}

fn nothing(suite: &mut Scenarios) {
    let mut scenario = reporting_with("v1");
    scenario.check("site", "pinned").idle_until(600).at(HOUR).asks(ETAG);
    suite.add("nothing-leaves-where-nothing-happened", &["R-4"], &scenario, &kept("v1"));

    let mut scenario = Scenario::with("v1 next under report");
    scenario.check("site", "reported").at(HOUR).asks(ETAG);
    suite.add("nothing-leaves-unless-the-app-asks-for-it", &["R-4"], &scenario, &kept("v1 next under report"));

    let mut scenario = reporting_with("v1 next under report");
    scenario.check("site", "reported").start(reporting()).asks(ETAG).unchanged(1, status(304));
    scenario.idle_until(600).at(HOUR).asks(ETAG);
    suite.add("nothing-is-kept-across-restarts", &["R-4"], &scenario, &kept("v1 next under report"));
}

fn another_project(suite: &mut Scenarios) {
    let mut scenario = reporting_with("v1 next under report");
    scenario.check("site", "reported").reconfigure("second key").at(HOUR).asks(None);
    suite.add("another-root-is-told-nothing-of-the-one-before", &["R-9"], &scenario, &nothing_kept());

    let mut scenario = reporting_with("v1 next under report");
    let counts = json!([{ "domain": "a.example", "code": "pin_mismatch", "version": 1, "refused": 0, "reported": 1 }]);
    scenario.check("site", "reported").at(HOUR).asks_and_reports(ETAG, COLLECTOR, &report(&counts));
    scenario.reconfigure("second key").answer(2, status(500), "rejected", "kept", &[]).at(3 * HOUR).asks(None);
    suite.add("nor-of-what-was-under-way", &["R-9"], &scenario, &nothing_kept());
}
