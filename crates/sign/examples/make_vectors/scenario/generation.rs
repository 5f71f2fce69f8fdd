//! Generations of trust (P-4.10): what raises them besides a new file, and what does not.

use super::{Scenario, Scenarios, Start, kept, material::AS_OF, ok, start, status};
use crate::{configuration::NOW, suite::Suite};

const ETAG: Option<&str> = Some("\"1\"");
const MAX_LIST_AGE: u64 = 70 * 86_400;

pub(super) fn make_suite() -> Suite {
    let mut suite = Scenarios::new(
        "scenario/generation.json",
        "What makes connections be decided anew: time, modes, roots. Every other scenario says it of files.",
    );
    let rules = &["P-4.10"];
    for (name, release, ends_at) in [
        ("exp-with-fail", "v1 fails after 1000", 1000),
        ("expires-at", "v1 pin until 1000", 1000),
        ("ct-cut-off", "v1 ct list", AS_OF + MAX_LIST_AGE + 1 - NOW),
    ] {
        let mut scenario = Scenario::with(release);
        scenario.at(ends_at - 1).wait().at(ends_at).wait().generation("raised").at(ends_at + 1).wait();
        suite.add(&format!("time-passes-{name}"), rules, &scenario, &kept(release));
    }

    let release = "v1 stale after 1000";
    let mut scenario = Scenario::with(release);
    scenario.at(600).asks(ETAG).unchanged(1, status(304)).at(1000).idle_until(1200).events(&["config_stale"]);
    scenario.any_generation().idle_until(1200).check("site", "pinned");
    suite.add("time-passes-exp-with-keep-and-is-told-once", &["P-3.8"], &scenario, &kept(release));

    let mut scenario = Scenario::begin(Start { mode: "permissive", ..start() });
    scenario.asks(None).updated(0, ok("v1 empty", "\"1\"")).check("site", "not_covered").set_mode("strict");
    scenario.check("site", "retry_after_refresh").asks_all(&[ETAG], 5000).unchanged(1, status(304));
    scenario.check("site", "domain_not_registered").set_mode("permissive").check("site", "not_covered");
    suite.add("the-mode-changes", &["P-4.5", "P-4.10"], &scenario, &kept("v1 empty"));

    let mut scenario = Scenario::with("v5");
    scenario.reconfigure("second key").check("site", "config_missing").asks(None);
    scenario.updated(1, ok("v1 of the second key", "\"2\"")).check("site", "pinned");
    scenario.start(start()).check("site", "pinned").asks(ETAG);
    suite.add("another-root-for-this-process", &["P-4.10", "P-5.5", "P-3.10"], &scenario, &kept("v5"));

    let mut scenario = Scenario::with("v5");
    scenario.at(600).asks(ETAG).reconfigure("second key").too_late(1, ok("v6", "\"6\""));
    scenario.check("site", "config_missing").asks(None);
    let nothing_of_it = super::nothing_kept();
    suite.add("an-answer-for-the-root-before", &["P-5.5", "P-7.3"], &scenario, &nothing_of_it);
    suite.finish()
}
