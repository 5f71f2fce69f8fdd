//! What is persisted per root, and what survives of it (P-3.10).

use super::{Scenario, Scenarios, kept, ok, start, status, under};
use crate::suite::Suite;

const ETAG: Option<&str> = Some("\"1\"");

pub(super) fn make_suite() -> Suite {
    let mut suite = Scenarios::new(
        "scenario/store.json",
        "Restarts, damage, full disks, and roots side by side. scenario/start.json has more of damaged files.",
    );
    restarts(&mut suite);
    damage(&mut suite);
    roots(&mut suite);
    suite.finish()
}

fn restarts(suite: &mut Scenarios) {
    let rules = &["P-3.10"];
    let mut scenario = Scenario::with("v2");
    scenario.start(start()).check("site", "pinned").asks(ETAG).rejected(1, ok("v1", "\"x\""), "config_rollback");
    suite.add("file-floor-and-etag-survive", rules, &scenario, &kept("v2"));

    let mut scenario = Scenario::with("v1");
    scenario.break_store().at(600).asks(ETAG).updated(1, ok("v2 next", "\"2\"")).events(&["store_failed"]);
    scenario.check("next", "pinned").mend_store().at(1200).asks(Some("\"2\"")).unchanged(2, status(304));
    scenario.start(start()).check("next", "pinned").asks(Some("\"2\""));
    suite.add("what-could-not-be-written-is-used-and-written-later", rules, &scenario, &kept("v2 next"));

    // The file was written, the memory no longer: its ETag is that of the file before.
    let mut scenario = Scenario::with("v1");
    scenario.replace_file("v2 next").start(start()).check("next", "pinned").asks(None);
    suite.add("a-crash-between-file-and-memory", &["P-3.10", "P-7.4"], &scenario, &kept("v2 next"));
}

fn damage(suite: &mut Scenarios) {
    let rules = &["P-3.10"];
    let mut scenario = Scenario::with("v2");
    scenario.damage("memory").start(start()).events(&["store_failed"]).check("site", "pinned").asks(None);
    scenario.rejected(1, ok("v1", "\"x\""), "config_rollback").start(start()).check("site", "pinned");
    suite.add("a-damaged-memory-leaves-the-file-and-its-floor", rules, &scenario, &kept("v2"));

    let mut scenario = Scenario::with("v2");
    scenario.damage("memory").damage("file").start(start());
    scenario.events(&["store_failed", "store_failed", "config_malformed"]).check("site", "config_missing").asks(None);
    scenario.updated(1, ok("v1", "\"1\"")).check("site", "pinned");
    suite.add("whoever-destroys-both-is-at-the-beginning", rules, &scenario, &kept("v1"));
}

fn roots(suite: &mut Scenarios) {
    let rules = &["P-3.10"];
    let mut scenario = Scenario::with("v5");
    scenario.start(under("second key")).check("site", "config_missing").asks(None);
    scenario.updated(1, ok("v1 of the second key", "\"2\"")).check("site", "pinned");
    scenario.start(start()).check("site", "pinned").asks(ETAG);
    suite.add("another-key-starts-empty-and-leaves-this-one", rules, &scenario, &kept("v5"));

    let mut scenario = Scenario::with("v2");
    scenario.start(under("elsewhere")).check("site", "pinned").asks(None);
    scenario.rejected(1, ok("v1", "\"x\""), "config_rollback");
    suite.add("other-urls-keep-file-and-floor", rules, &scenario, &kept("v2"));

    let mut scenario = Scenario::with("v2");
    scenario.start(under("with recovery")).check("site", "config_missing").asks(None).updated(1, ok("v1", "\"x\""));
    suite.add("a-recovery-key-makes-another-root", rules, &scenario, &kept("v1"));
}
