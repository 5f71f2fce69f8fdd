//! Starting: the kept file, the seed, the draw, the clock (P-3.11).

use serde_json::{Value, json};

use super::{Scenario, Scenarios, Start, kept, nothing_kept, ok, start, status, with_seed};
use crate::{configuration::NOW, suite::Suite};

const ETAG: Option<&str> = Some("\"1\"");

pub(super) fn make_suite() -> Suite {
    let mut suite = Scenarios::new(
        "scenario/start.json",
        "What an installation uses before the network answers: the kept file, the seed, or nothing.",
    );
    file_and_seed(&mut suite);
    unusable(&mut suite);
    clocks(&mut suite);
    draws(&mut suite);
    suite.finish()
}

fn file_and_seed(suite: &mut Scenarios) {
    let rules = &["P-3.11"];
    let mut scenario = Scenario::begin(start());
    scenario.check("site", "config_missing").asks(None);
    suite.add("neither-file-nor-seed", rules, &scenario, &nothing_kept());

    let mut scenario = Scenario::begin(with_seed("v1"));
    scenario.check("site", "pinned").asks(None).updated(0, ok("v2 next", "\"2\"")).check("next", "pinned");
    suite.add("a-seed-decides-until-the-network-answers", &["P-1.1", "P-3.11"], &scenario, &kept("v2 next"));

    let mut scenario = Scenario::begin(with_seed("v2"));
    scenario.asks(None).rejected(0, ok("v1", "\"1\""), "config_rollback").check("site", "pinned");
    suite.add("a-seed-sets-the-floor", &["P-3.7", "P-3.11"], &scenario, &kept("v2"));

    let mut scenario = Scenario::with("v1");
    scenario.start(with_seed("v2 next")).check("next", "pinned").asks(None);
    suite.add("a-higher-seed-is-used-without-the-etag-of-the-file", rules, &scenario, &kept("v2 next"));

    let mut scenario = Scenario::with("v2 next");
    scenario.start(with_seed("v1")).check("next", "pinned").asks(ETAG).unchanged(1, status(304));
    suite.add("a-lower-seed-is-no-error", rules, &scenario, &kept("v2 next"));

    let mut scenario = Scenario::with("v2");
    scenario.start(with_seed("v2")).check("site", "pinned").asks(ETAG).unchanged(1, status(304));
    suite.add("on-a-tie-the-file-is-used", rules, &scenario, &kept("v2"));

    let mut scenario = Scenario::with("v2");
    scenario.start(with_seed("v2 by a successor")).check("site", "pinned").asks(None).start(start());
    scenario.check("site", "pinned");
    suite.add(
        "on-a-tie-a-longer-chain-is-kept-with-its-file",
        &["P-3.11", "P-5.4"],
        &scenario,
        &kept("v2 by a successor"),
    );

    let under_recovery = |seed| Start { root: "with recovery", seed, ..start() };
    let mut scenario = Scenario::begin(under_recovery(None));
    scenario.asks(None).updated(0, ok("v5", "\"5\"")).start(under_recovery(Some("v1 after recovery")));
    scenario.check("site", "pinned").asks(None);
    suite.add("a-recovery-counts-before-the-number", &["P-3.7", "P-3.11"], &scenario, &kept("v1 after recovery"));
}

fn unusable(suite: &mut Scenarios) {
    let mut scenario = Scenario::begin(with_seed("garbage"));
    scenario.events(&["config_malformed"]).check("site", "config_missing").asks(None);
    suite.add("a-seed-that-is-no-configuration", &["P-3.11"], &scenario, &nothing_kept());

    let mut scenario = Scenario::with("v1");
    scenario.start(with_seed("other project")).events(&["config_wrong_project"]);
    scenario.check("site", "pinned").asks(ETAG);
    suite.add("a-seed-of-another-project", &["P-3.5", "P-3.11"], &scenario, &kept("v1"));

    let damaged = &["store_failed", "config_malformed"];
    let rules = &["P-3.10", "P-3.11"];
    let mut scenario = Scenario::with("v2");
    scenario.damage("file").start(with_seed("v1")).events(damaged);
    scenario.check("site", "config_missing").asks(None).updated(1, ok("v2", "\"2\"")).check("site", "pinned");
    scenario.start(with_seed("v1")).check("site", "pinned").asks(Some("\"2\""));
    suite.add("a-damaged-file-leaves-its-floor-above-the-seed", rules, &scenario, &kept("v2"));

    let mut scenario = Scenario::with("v2");
    scenario.damage("file").start(with_seed("v2")).events(damaged).check("site", "pinned");
    suite.add("a-damaged-file-is-replaced-by-an-equal-seed", rules, &scenario, &kept("v2"));

    let mut scenario = Scenario::with("v2");
    scenario.damage("file").start(start()).events(damaged).start(start()).check("site", "config_missing");
    suite.add("a-damaged-file-is-set-aside-and-reported-once", rules, &scenario, &kept("v2"));
}

fn clocks(suite: &mut Scenarios) {
    let mut scenario = Scenario::with("v1 fails after 1000");
    scenario.at(1000).start(start()).events(&["config_expired"]).check("site", "config_missing");
    scenario.clock(NOW + 10).start(start()).check("site", "pinned");
    suite.add(
        "a-file-that-fails-by-the-clock-stays-for-a-better-clock",
        &["P-3.8", "P-3.10", "P-3.12"],
        &scenario,
        &kept("v1 fails after 1000"),
    );

    let mut scenario = Scenario::with("v1");
    scenario.clock(NOW - 86_401).start(start()).events(&["config_not_yet_valid"]).check("site", "config_missing");
    scenario.clock(NOW - 86_400).start(start()).check("site", "pinned");
    suite.add("a-clock-more-than-a-day-behind", &["P-3.6", "P-3.12"], &scenario, &kept("v1"));

    let name = "v1 pin until the day before";
    let mut scenario = Scenario::with(name);
    scenario.clock(NOW - 80_000).start(start()).check("site", "retry_after_refresh").asks_all(&[ETAG], 5000);
    scenario.unchanged(1, status(304)).check("site", "all_pins_expired");
    suite.add("the-time-floor-survives-a-restart", &["P-3.10", "P-3.12"], &scenario, &kept(name));

    let name = "v1 stale after 1000";
    let mut scenario = Scenario::with(name);
    scenario.at(1000).start(start()).events(&["config_stale"]).check("site", "pinned").asks(ETAG);
    suite.add("a-stale-file-is-used-and-said-to-be-stale", &["P-3.8", "P-3.11"], &scenario, &kept(name));
}

/// 0x04d2 is 1234, 0x04d3 is 1235.
fn draws(suite: &mut Scenarios) {
    let rules = &["P-2.5", "P-3.10"];
    let drawn = |random| Start { random, ..start() };
    let name = "v1 next under 35";
    let keeps = |draw: u8| {
        let mut kept = kept(name);
        kept["draw"] = draw.into();
        kept
    };
    let mut scenario = Scenario::begin(drawn("00000000000004d3"));
    scenario.asks(None).updated(0, ok(name, "\"1\"")).check("site", "reported");
    scenario.start(drawn("00000000000004d2")).check("site", "reported");
    suite.add("a-draw-outside-the-share-is-kept", rules, &scenario, &keeps(35));

    let mut scenario = Scenario::begin(drawn("00000000000004d2"));
    scenario.asks(None).updated(0, ok(name, "\"1\"")).start(drawn("00000000000004d3"));
    scenario.check("site", "retry_after_refresh").asks_all(&[ETAG], 5000);
    scenario.unchanged(1, status(304)).check("site", "pin_mismatch");
    suite.add("a-draw-inside-the-share-is-kept", rules, &scenario, &keeps(34));

    let in_memory = || Start { store: false, ..drawn("00000000000004d3") };
    let mut scenario = Scenario::begin(in_memory());
    scenario.asks(None).updated(0, ok(name, "\"1\"")).check("site", "retry_after_refresh").asks_all(&[ETAG], 5000);
    scenario.unchanged(1, status(304)).check("site", "pin_mismatch");
    scenario.start(in_memory()).check("site", "config_missing").asks(None);
    let persisted = json!({ "state": Value::Null, "gone": false, "draw": null });
    suite.add("without-a-store-any-share-enforces-and-nothing-stays", rules, &scenario, &persisted);
}
