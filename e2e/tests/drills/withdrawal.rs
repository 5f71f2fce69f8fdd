//! Apps are told to trust nothing and to trust again, or are moved to another project with another key.

use std::{fs, time::Duration};

use pintle_core::Code;
use pintle_e2e::{fail, fleet::Fleet, page::Page, run_for_data, world::World};

use crate::{MINUTE, REFRESH};

/// Two apps that fetch from the server itself; the last one keeps its state on disk.
async fn begin(world: &World) -> Fleet {
    let mut fleet = world.fleet();
    let bundle = world.bundle("pintle.json");
    for build in [fleet.builder(&bundle), fleet.builder(&bundle).storage_dir(world.folder().join("app"))] {
        fleet.join(build).await;
    }
    fleet.connect().await;
    fleet
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_project_is_refused_by_apps_until_it_is_restored() {
    let world = World::without_recovery_key().await;
    let mut fleet = begin(&world).await;
    let (status, said) = fail(world.folder(), &["restore", "--yes"]);
    assert!(status == 6 && said.contains("[not_withdrawn]"), "{status}: {said}");

    let mut page = Page::open("withdraw");
    let said = page.run(world.folder(), "pintle withdraw");
    assert!(said.contains("live on every target since"), "{said}");
    let withdrawn = fleet.now();
    fleet.live(REFRESH).await;
    fleet.wait_for_release(2).await;
    fleet.connect().await;
    let reached = fleet.last_news(withdrawn);
    let statuses = [world.fetch("pins.jws").await.0, world.fetch("releases/1.jws").await.0];
    assert_eq!(statuses, [200, 410], "what tells apps stays, what they must not use any more is gone");

    // All of them, and after a restart as well.
    let since = fleet.now();
    fleet.leave();
    let restarted = fleet.builder(&world.bundle("pintle.json")).storage_dir(world.folder().join("app"));
    fleet.join(restarted).await;
    fleet.live(MINUTE).await;
    let tally = fleet.tally(since);
    assert_eq!(tally.refused, [(Code::ConfigWithdrawn.to_string(), tally.connections)].into(), "{tally}");

    let said = page.run(world.folder(), "pintle restore");
    assert!(said.contains("Apps connect again as with release 1"), "{said}");
    page.finish();
    let restored = fleet.now();
    fleet.live(REFRESH).await;
    fleet.wait_for_release(3).await;
    let back = fleet.last_news(restored);
    fleet.connect().await;
    let tally = fleet.tally(withdrawn);
    println!(
        "withdrawal drill: every app refuses {:.0} s after `withdraw`, and connects again {:.0} s after `restore`; {tally}",
        (reached - withdrawn).as_secs_f64(),
        (back - restored).as_secs_f64()
    );
    assert_eq!(tally.codes(), [Code::ConfigWithdrawn.as_str()]);
    let since = fleet.now();
    fleet.live(MINUTE).await;
    let tally = fleet.tally(since);
    assert!(tally.refused.is_empty(), "{tally}");
    assert_eq!(world.fetch("releases/1.jws").await.0, 404, "no longer withdrawn, and not published again");
}

#[tokio::test(flavor = "multi_thread")]
async fn apps_are_moved_to_a_new_project_with_a_new_key_in_one_command() {
    let world = World::without_recovery_key().await;
    let fleet = begin(&world).await;
    let mut page = Page::open("migrate");
    // The key is stolen and there is no recovery key: nothing that it signs may be believed any more.
    let began = fleet.now();
    let _said = page.run(world.folder(), "pintle keys generate --recovery");
    let copy = "pintle projects copy shop/production --environment production-2 --new-key --recovery-key \
                pintle-recovery-key.pem > pintle.json";
    let _said = page.run(world.folder(), copy);
    let copied = fleet.now();
    let bundle = world.bundle("pintle.json");
    move_apps(&fleet, &bundle).await;
    let moved = fleet.now();
    let meanwhile = fleet.tally(began);
    println!(
        "migration drill: command {:.1} s, then {:.1} s until every app is moved; {meanwhile}",
        (copied - began).as_secs_f64(),
        (moved - copied).as_secs_f64()
    );
    assert!(meanwhile.codes().iter().all(|code| *code == Code::ConfigMissing.as_str()), "{meanwhile}");
    assert!(moved - began < Duration::from_secs(300));
    // Interrupted or repeated, it goes on where it stopped: the same project, the same bundle.
    assert!(bundle.contains("recovery_key"), "{bundle}");
    let again = ["projects", "copy", "shop/production", "--environment", "production-2", "--new-key", "--yes"];
    let with_recovery_key = [&again[..], &["--recovery-key", "pintle-recovery-key.pem"]].concat();
    assert_eq!(run_for_data(world.folder(), &with_recovery_key), bundle);
    let (_, said) = fail(world.folder(), &again);
    assert!(said.contains("[already_exists]"), "what is there has a recovery key, and none was asked for: {said}");

    let _said = page.run(world.folder(), "pintle withdraw --project shop/production");
    fleet.live(REFRESH).await;
    page.finish();
    let tally = fleet.tally(moved);
    assert!(tally.refused.is_empty(), "what becomes of the old project is nothing to a moved app: {tally}");
    println!("migration drill, afterwards: {tally}");
    let id: serde_json::Value = serde_json::from_slice(&fs::read(world.folder().join("pintle.json")).unwrap()).unwrap();
    for app in fleet.apps() {
        assert_eq!(app.pintle().snapshot().config().unwrap().claims().project.as_str(), id["project"]);
    }
}

/// The apps' remote configuration carries the bundle; each takes it up.
async fn move_apps(fleet: &Fleet, bundle: &str) {
    for app in fleet.apps() {
        app.pintle().reconfigure(bundle).await.unwrap();
    }
}
