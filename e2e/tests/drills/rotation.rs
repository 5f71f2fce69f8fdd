//! A signing key is replaced by its successor: real server, real command line, and apps that embed the first key.

use std::fs;

use pintle_e2e::{fail, page::Page, world::World};
use pintle_sign::Signer;

use crate::REFRESH;

#[tokio::test(flavor = "multi_thread")]
async fn apps_follow_two_rotations_and_no_connection_is_refused() {
    let world = World::with_recovery_key().await;
    let mut fleet = world.fleet();
    let old_build = world.bundle("pintle.json");
    for build in [fleet.builder(&old_build), fleet.builder(&old_build).storage_dir(world.folder().join("app"))] {
        fleet.join(build).await;
    }
    assert_eq!(fleet.apps()[0].kid(), world.root.public_key().kid().to_string());

    let mut page = Page::open("rotate-key");
    let began = fleet.now();
    let _said = page.run(world.folder(), "pintle draft show");
    let said = page.run(world.folder(), "pintle keys rotate");
    assert!(said.contains("live on every target since"), "{said}");
    let ran = fleet.now();
    fleet.live(REFRESH).await;
    fleet.wait_for_release(2).await;
    let followed = fleet.last_news(ran);
    let kid_of = |file| world.key(file).public_key().kid().to_string();
    assert!(fleet.apps().iter().all(|app| app.kid() == kid_of("pintle-key-next.pem")));

    // A new build beside the old ones.
    let _said = page.run(world.folder(), "pintle bundle --force --key pintle-key-next.pem");
    let new_build = fleet.builder(&world.bundle("pintle.json"));
    fleet.join(new_build).await;
    let (status, said) = fail(world.folder(), &["release", "--yes", "--renew"]);
    assert_eq!(status, 3, "the old key is no longer the project's: {said}");
    let _said = page.run(world.folder(), "pintle release --renew --key pintle-key-next.pem");
    // The next one, with a key made beforehand.
    let _said = page.run(world.folder(), "pintle keys generate --out pintle-key-2028.pem");
    let again = "pintle keys rotate --key pintle-key-next.pem --new-key pintle-key-2028.pem";
    let _said = page.run(world.folder(), again);
    fleet.live(REFRESH).await;
    fleet.wait_for_release(4).await;
    assert!(fleet.apps().iter().all(|app| app.kid() == kid_of("pintle-key-2028.pem")));
    page.finish();
    // Back to one that signed before: no app would follow.
    let back = ["keys", "rotate", "--key", "pintle-key-2028.pem", "--new-key", "pintle-key-next.pem", "--yes"];
    let said = fail(world.folder(), &back).1;
    assert!(["[key_former]", "statement 1", "--new-key"].iter().all(|hint| said.contains(hint)), "{said}");

    // Old and new builds start with what two rotations left.
    for bundle in [old_build, world.bundle("pintle.json")] {
        let build = fleet.builder(&bundle);
        fleet.join(build).await;
    }
    fleet.connect().await;
    assert!(fleet.apps().iter().all(|app| app.release() == 4));
    let tally = fleet.tally(began);
    let (command, after) = ((ran - began).as_secs_f64(), (followed - ran).as_secs_f64());
    println!("rotation drill: commands {command:.1} s, every app follows {after:.0} s after them; {tally}");
    assert!(tally.refused.is_empty(), "{tally}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_rotation_goes_on_where_it_stopped() {
    let world = World::with_recovery_key().await;
    let rotate = ["keys", "rotate", "--yes"];
    // Stopped before anything was sent: the key is made, and the server is not there.
    let config = world.folder().join("config/config.toml");
    let settings = fs::read_to_string(&config).unwrap();
    fs::write(&config, settings.replace(world.origin(), "http://127.0.0.1:1")).unwrap();
    let _refused = fail(world.folder(), &rotate);
    fs::write(&config, settings).unwrap();
    // Stopped after the statement: the release did not become live in time.
    let (status, said) = fail(world.folder(), &["keys", "rotate", "--yes", "--timeout", "0"]);
    assert_eq!(status, 8, "{said}");
    let new = world.key("pintle-key-next.pem").public_key();

    let said = world.run(&rotate);
    assert!(said.contains("already is the project's signing key"), "{said}");
    let mut fleet = world.fleet();
    let build = fleet.builder(&world.bundle("pintle.json"));
    fleet.join(build).await;
    let app = &fleet.apps()[0];
    assert_eq!(app.kid(), new.kid().to_string());
    let released = app.release();

    // Finished: nothing happens twice.
    let _said = world.run(&rotate);
    app.pintle().refresh().await.unwrap();
    assert_eq!((app.release(), app.kid()), (released, new.kid().to_string()));
    let (_, said) = fail(world.folder(), &["keys", "rotate", "--yes", "--new-key", "pintle-key.pem"]);
    assert!(said.contains("[key_wrong]"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_a_wrong_recovery_key_and_the_current_key_with_a_hint() {
    let world = World::with_recovery_key().await;
    let refusal = |arguments: &[&str]| fail(world.folder(), arguments).1;
    let _said = world.run(&["keys", "generate", "--out", "other.pem"]);
    let said = refusal(&["keys", "recover", "--recovery-key", "other.pem", "--yes"]);
    assert!(said.contains("[key_wrong]") && said.contains("recovery key"), "{said}");
    let said = refusal(&["keys", "rotate", "--key", "other.pem", "--yes"]);
    assert!(said.contains("[key_wrong]"), "{said}");
    let said = refusal(&["keys", "rotate", "--new-key", "pintle-key.pem", "--yes"]);
    assert!(said.contains("[key_same]") && said.contains("--new-key"), "{said}");
    let said = refusal(&["keys", "rotate", "--new-key", "pintle-recovery-key.pem", "--yes"]);
    let hints = ["[key_same]", "recovery key", "--new-key"];
    assert!(hints.iter().all(|hint| said.contains(hint)), "{said}");
    let said = refusal(&["keys", "rotate"]);
    assert!(said.contains("[answer_needed]") && said.contains("--yes"), "{said}");
    assert!(!world.folder().join("pintle-key-next.pem").exists(), "nothing was made before it was confirmed");
}
