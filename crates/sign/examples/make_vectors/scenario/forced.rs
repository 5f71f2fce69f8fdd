//! The refresh before a refusal becomes final (P-4.11).

use super::{Scenario, Scenarios, Start, failed, kept, ok, ok_without_etag, start, status, under};
use crate::suite::Suite;

const ETAG: Option<&str> = Some("\"1\"");
const NONE: [Option<&str>; 2] = [None, None];
const RETRY: &str = "retry_after_refresh";

pub(super) fn make_suite() -> Suite {
    let mut suite = Scenarios::new(
        "scenario/forced.json",
        "Refusals that ask for news before they are final, how often, how long, and of whom; and those that do not.",
    );
    asking(&mut suite);
    final_at_once(&mut suite);
    limits(&mut suite);
    every_url(&mut suite);
    suite.finish()
}

fn asking(suite: &mut Scenarios) {
    for (old, code, rule) in [
        ("v1 denying the site", "key_denied", "P-4.4"),
        ("v1 empty", "domain_not_registered", "P-4.5"),
        ("v1 pin until the day before", "all_pins_expired", "P-4.7"),
        ("v1 next", "pin_mismatch", "P-4.7"),
        ("v1 ct declared", "ct_not_satisfied", "P-4.8"),
    ] {
        let rules = &["P-4.11", rule];
        let mut scenario = Scenario::with(old);
        scenario.at(10).check("site", RETRY).asks_all(&[ETAG], 5000).at(11).updated(1, ok("v2", "\"2\""));
        scenario.check("site", "pinned").idle_until(611);
        suite.add(&format!("news-lift-{code}"), rules, &scenario, &kept("v2"));

        let mut scenario = Scenario::with(old);
        scenario.at(10).check("site", RETRY).asks_all(&[ETAG], 5000).at(11).unchanged(1, status(304));
        scenario.check("site", code).idle_until(611);
        suite.add(&format!("no-news-leave-{code}"), rules, &scenario, &kept(old));
    }
}

fn final_at_once(suite: &mut Scenarios) {
    let mut scenario = Scenario::begin(start());
    scenario.asks(None).check("site", "config_missing").awaits_answers();
    suite.add("missing-is-final", &["P-4.2", "P-4.11"], &scenario, &super::nothing_kept());

    let mut scenario = Scenario::begin(start());
    scenario.asks(None).updated(0, ok("v1 withdrawn", "\"1\"")).events(&["config_withdrawn"]);
    scenario.check("site", "config_withdrawn").idle_until(600);
    suite.add("withdrawn-is-final", &["P-4.2", "P-4.11", "P-7.5"], &scenario, &kept("v1 withdrawn"));

    let mut scenario = Scenario::with("v1 fails after 1000");
    scenario.at(600).asks(ETAG).unchanged(1, status(304)).at(1000);
    scenario.check("site", "config_expired").generation("raised").idle_until(1200);
    suite.add("expired-is-final", &["P-4.2", "P-4.11"], &scenario, &kept("v1 fails after 1000"));

    for (host, platform, code, rule) in [
        ("a..example", "accepted", "host_invalid", "P-4.1"),
        ("a.example", "refused", "platform_rejected", "P-4.6"),
        ("a.example", "unknown", "platform_rejected", "P-4.6"),
    ] {
        let mut scenario = Scenario::with("v1");
        scenario.check_host(host, "site", platform, code).idle_until(600);
        suite.add(&format!("{code}-is-final-{platform}"), &[rule, "P-4.11"], &scenario, &kept("v1"));
    }

    let mut scenario = Scenario::with("v1 next under report");
    scenario.check("site", "reported").idle_until(600);
    suite.add("what-is-reported-asks-for-nothing", &["P-4.9", "P-4.11"], &scenario, &kept("v1 next under report"));

    let mut scenario = Scenario::begin(Start { mode: "permissive", ..start() });
    scenario.asks(None).updated(0, ok("v1 empty", "\"1\"")).check("site", "not_covered").idle_until(600);
    suite.add("what-is-not-covered-asks-for-nothing", &["P-4.5", "P-4.11"], &scenario, &kept("v1 empty"));
}

fn limits(suite: &mut Scenarios) {
    let rules = &["P-4.11"];
    let mut scenario = Scenario::with("v1 next");
    scenario.at(10).check("site", RETRY).asks_all(&[ETAG], 5000);
    scenario.at(11).check_host("b.example", "site", "accepted", RETRY).check("site", RETRY).awaits_answers();
    scenario.at(12).updated(1, ok("v2", "\"2\"")).check("site", "pinned");
    scenario.check_host("b.example", "site", "accepted", "domain_not_registered").idle_until(612);
    suite.add("all-who-wait-share-one", rules, &scenario, &kept("v2"));

    let mut scenario = Scenario::with("v1 next");
    scenario.at(10).check("site", RETRY).asks_all(&[ETAG], 5000).at(12).rejected(1, failed("broken"), "fetch_failed");
    scenario.check("site", "pin_mismatch").at(69).asks(ETAG).unchanged(2, status(304));
    scenario.at_ms(69_999).check("site", "pin_mismatch").idle_until(669);
    scenario.at(70).check("site", RETRY).asks_all(&[ETAG], 5000);
    suite.add("one-a-minute-even-if-it-failed", rules, &scenario, &kept("v1 next"));

    let mut scenario = Scenario::with("v1 next");
    scenario.at(10).check("site", RETRY).at(12).asks_all(&[ETAG], 3000).at(15).idle(15_000, 16_000);
    scenario.check("site", "pin_mismatch").too_late(1, ok("v2", "\"2\""));
    suite.add("five-seconds-in-all", rules, &scenario, &kept("v1 next"));
}

fn every_url(suite: &mut Scenarios) {
    let rules = &["P-4.11", "P-7.4"];
    let begin = || {
        let mut scenario = Scenario::begin(under("two urls"));
        scenario.asks_one_of(&NONE, &[]).updated(0, ok_without_etag("v1 next"));
        scenario.at(10).check("site", RETRY).asks_all(&NONE, 5000);
        scenario
    };
    let mut scenario = begin();
    scenario.updated(1, ok_without_etag("v3")).awaits_answers();
    scenario.rejected(2, ok_without_etag("v2 next"), "config_rollback").check("site", "pinned").idle_until(610);
    suite.add("the-highest-comes-first", rules, &scenario, &kept("v3"));

    let mut scenario = begin();
    scenario.updated(1, ok_without_etag("v2 next")).updated(2, ok_without_etag("v3"));
    scenario.check("site", "pinned").idle_until(610);
    suite.add("the-highest-comes-last", rules, &scenario, &kept("v3"));

    let mut scenario = begin();
    scenario.unchanged(1, ok_without_etag("v1 next")).rejected(2, status(500), "fetch_failed");
    scenario.check("site", "pin_mismatch").idle_until(610);
    suite.add("one-good-answer-is-a-refresh", rules, &scenario, &kept("v1 next"));
}
