//! The bad day, and a mirror: with the real binary, a directory as target served over loopback HTTP, and an SDK that follows.
//! The commands are those of docs/howto/emergency.md and docs/howto/mirror.md.

use std::{
    fs,
    time::{Duration, Instant},
};

use pintle_sdk::Pintle;
use pintle_testkit::{
    cdn::{Cdn, Reply},
    certificate::Authority,
    disk::SmallDisk,
};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::workshop::{Server, Workshop};

const HOST: &str = "api.example.com";

/// A server that publishes to a directory, and a web server that apps find that directory at.
struct World {
    workshop: Workshop,
    runtime: Runtime,
    /// Of the web server.
    cdn_url: String,
    server: Option<Server>,
}

impl World {
    fn new() -> Self {
        let workshop = Workshop::open();
        fs::create_dir_all(workshop.path("www")).unwrap();
        let runtime = Runtime::new().unwrap();
        let bucket = std::sync::Arc::new(pintle_publish::DirectoryBucket::new(workshop.path("www")));
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let cdn_url = format!("http://{}", listener.local_addr().unwrap());
        runtime.spawn(pintle_server::serve_files(listener, bucket, std::future::pending()));
        let authority = Authority::root("Bad Day CA");
        for name in ["today.pem", "next.pem", "new.pem"] {
            workshop.write_pem(name, &authority.issue(&[HOST]).chain);
        }
        let mut world = Self { workshop, runtime, cdn_url, server: None };
        world.start();
        world
    }

    fn start(&mut self) {
        let www = self.workshop.path("www");
        let options = ["--log", "error", "--cdn-url", &self.cdn_url, "--publish-dir", www.to_str().unwrap()];
        let server = self.workshop.serve_with(&options);
        self.workshop.json(&["login", "--server", &server.url, "--token-file", "token"]);
        self.server = Some(server);
    }

    /// A project with a domain and two pins, released; its bundle.
    fn with_release() -> Self {
        let world = Self::new();
        let workshop = &world.workshop;
        workshop.json(&["orgs", "create", "Acme"]);
        workshop.json(&["projects", "create", "shop"]);
        workshop.json(&["keys", "generate"]);
        workshop.json(&["keys", "register"]);
        workshop.json(&["domains", "add", HOST]);
        workshop.json(&["pins", "add", HOST, "--from-file", "today.pem"]);
        workshop.json(&["pins", "add", HOST, "--from-file", "next.pem"]);
        assert_eq!(workshop.json(&["release", "--yes"])["state"], "live");
        workshop.json(&["bundle"]);
        world
    }

    /// `dir:` of the web server's directory.
    fn target(&self) -> String {
        format!("dir:{}", self.workshop.path("www").display())
    }

    fn export(&self) -> Value {
        self.workshop.json(&["emergency", "export", "--target", &self.target()])
    }

    fn pointer(&self) -> Vec<u8> {
        let bundle: Value = serde_json::from_slice(&fs::read(self.workshop.path("pintle.json")).unwrap()).unwrap();
        let of = |member: &str| bundle[member].as_str().unwrap().to_owned();
        let path = format!("www/{}/{}/pins.jws", of("organization"), of("project"));
        fs::read(self.workshop.path(&path)).unwrap()
    }

    /// The server is killed, and its database is gone.
    fn lose_the_server(&mut self) {
        drop(self.server.take());
        fs::rename(self.workshop.path("data"), self.workshop.path("data.away")).unwrap();
    }

    fn bring_the_server_back(&mut self) {
        fs::rename(self.workshop.path("data.away"), self.workshop.path("data")).unwrap();
        self.start();
    }

    /// Exit status and code of a command that fails.
    fn refused(&self, arguments: &[&str]) -> (i32, String) {
        let run = self.workshop.run(&[arguments, &["--output", "json"]].concat());
        let line = run.stderr.lines().rev().find(|line| line.starts_with('{'));
        let error: Value = serde_json::from_str(line.unwrap_or_else(|| panic!("{run:?}"))).unwrap();
        (run.status, error["error"]["code"].as_str().unwrap().to_owned())
    }

    /// An app that runs all the while.
    fn start_app(&self) -> Pintle {
        let bundle = fs::read(self.workshop.path("pintle.json")).unwrap();
        let builder = Pintle::builder(bundle).dangerous_allow_http_loopback();
        self.runtime.block_on(builder.setup()).unwrap()
    }

    fn version_of(&self, app: &Pintle) -> u64 {
        self.runtime.block_on(app.refresh()).unwrap();
        app.snapshot().config().unwrap().claims().version
    }
}

fn refused(status: i32, code: &str) -> (i32, String) {
    (status, code.to_owned())
}

#[test]
fn the_drill_from_an_export_to_a_server_that_is_up_to_date() {
    let mut world = World::with_release();
    let app = world.start_app();
    assert_eq!(world.version_of(&app), 1);
    let export = world.export();
    assert_eq!((&export["release"], &export["last_version"]), (&json!(1), &json!(1)));
    let rehearsal = world.workshop.json(&["emergency", "release", "--renew", "--dry-run"]);
    assert_eq!((&rehearsal["release"], &rehearsal["published"]), (&json!(1001), &json!(false)));
    assert!(!world.workshop.path("pintle-emergency.jws").exists());
    // Somebody prepared something that day.
    world.workshop.json(&["pins", "add", HOST, "--from-file", "new.pem"]);
    world.workshop.json(&["release", "--yes"]);
    world.workshop.json(&["draft", "show"]);

    world.lose_the_server();
    let begun = Instant::now();
    let today = pin_of(&world, 0);
    let remove = format!("{HOST}={today}");
    let add = format!("{HOST}=new.pem");
    let run = ["emergency", "release", "--from-file", &add, "--remove-pin", &remove, "--yes"];
    let released = world.workshop.json(&run);
    let took = begun.elapsed();
    assert_eq!((&released["release"], &released["follows"]), (&json!(1002), &json!(2)), "it goes on from what is live");
    assert_eq!(released["targets"][0]["state"], "live");
    assert_eq!(world.version_of(&app), 1002);
    println!("emergency release: {} ms, {} ms of it publishing", took.as_millis(), released["took_ms"]);
    assert!(took < Duration::from_secs(60), "seconds for the command");

    let begun = Instant::now();
    world.bring_the_server_back();
    let reconciled = world.workshop.json(&["emergency", "reconcile"]);
    println!("server back and reconciled: {} ms", begun.elapsed().as_millis());
    assert_eq!(reconciled["imported"][0]["version"], 1002);
    assert_eq!((&reconciled["imported"][0]["external"], &reconciled["draft"]), (&json!(true), &json!("replaced")));
    let draft = world.workshop.json(&["draft", "show"]);
    assert_eq!(draft["changes"], json!([]));
    let again = world.workshop.json(&["emergency", "reconcile"]);
    assert_eq!((&again["imported"], &again["known"]), (&json!([]), &json!([1002])));
    // The next release is an ordinary one again.
    let next = world.workshop.json(&["release", "--yes", "--renew"]);
    assert_eq!((&next["version"], &next["state"]), (&json!(1003), &json!("live")));
    assert_eq!(world.version_of(&app), 1003);
}

/// The digest of a pin that is live.
fn pin_of(world: &World, index: usize) -> String {
    let fetched = world.workshop.json(&["config", "fetch", "--force"]);
    fetched["claims"]["domains"][0]["pins"][index]["digest"].as_str().unwrap().to_owned()
}

#[test]
fn the_live_file_and_a_bundle_are_enough() {
    let mut world = World::with_release();
    world.lose_the_server();
    let target = world.target();
    let run = ["emergency", "release", "--bundle", "pintle.json", "--target", &target, "--withdraw", "--yes"];
    let released = world.workshop.json(&run);
    assert_eq!(released["release"], 1001);
    let app = world.start_app();
    assert!(app.snapshot().config().unwrap().claims().withdrawn);
    let renew = ["emergency", "release", "--bundle", "pintle.json", "--target", &target, "--renew", "--yes"];
    assert_eq!(world.refused(&renew), refused(3, "release_is_withdrawal"));
}

#[test]
fn what_is_wrong_is_refused_and_what_was_live_stays() {
    let mut world = World::with_release();
    world.export();
    let live = world.pointer();
    world.lose_the_server();
    let renew = ["emergency", "release", "--renew", "--yes"];
    let workshop = &world.workshop;

    workshop.json(&["keys", "generate", "--out", "other.pem"]);
    let other_key = [&renew[..], &["--key", "other.pem"]].concat();
    assert_eq!(world.refused(&other_key), refused(3, "key_wrong"));

    let export = fs::read_to_string(workshop.path("pintle-emergency.json")).unwrap();
    workshop.write("damaged.json", export.get(..export.len() / 2).unwrap());
    let damaged = [&renew[..], &["--export", "damaged.json"]].concat();
    assert_eq!(world.refused(&damaged), refused(3, "export_invalid"));
    let other_public = workshop.json(&["keys", "show", "--key", "other.pem"]);
    let bundle: Value = serde_json::from_slice(&fs::read(workshop.path("pintle.json")).unwrap()).unwrap();
    let (own, thiefs) = (bundle["public_key"].as_str().unwrap(), other_public["public_key"].as_str().unwrap());
    workshop.write("forged.json", export.replace(own, thiefs));
    let forged = [&renew[..], &["--export", "forged.json", "--key", "other.pem"]].concat();
    assert_eq!(world.refused(&forged), refused(7, "export_not_genuine"));
    let nowhere = ["emergency", "release", "--bundle", "pintle.json", "--renew", "--yes"];
    assert_eq!(world.refused(&nowhere), refused(2, "no_targets"));
    let unknown = ["emergency", "release", "--enforce", "b.example.com=report", "--yes"];
    assert_eq!(world.refused(&unknown), refused(5, "not_found"));
    assert_eq!(
        world.refused(&["emergency", "release", "--export", "none.json", "--renew"]),
        refused(5, "file_not_found")
    );
    assert_eq!(world.pointer(), live);
    assert!(!workshop.path("pintle-emergency.jws").exists(), "nothing was signed");
}

#[test]
fn the_guard_is_asked_on_a_bad_day_as_well() {
    let mut world = World::with_release();
    let overriding = ["--override", "no_usable_pin:bare.example", "--reason", "its certificate is on the way"];
    world.workshop.json(&["domains", "add", "bare.example"]);
    world.workshop.json(&[&["release", "--yes", "--no-probe"], &overriding[..]].concat());
    world.export();
    let live = world.pointer();
    world.lose_the_server();
    let renew = ["emergency", "release", "--renew", "--yes", "--no-probe"];
    assert_eq!(world.refused(&renew), refused(7, "guard_refused"));
    assert_eq!(world.pointer(), live);
    assert!(!world.workshop.path("pintle-emergency.jws").exists(), "nothing was signed");
    assert_eq!(world.workshop.json(&[&renew[..], &overriding].concat())["release"], 1002);
}

#[test]
fn an_interrupted_release_is_finished_and_two_at_once_are_told() {
    let mut world = World::with_release();
    let (www, second) = (world.target(), format!("dir:{}", world.workshop.path("www2").display()));
    // A file where a directory should be: nothing can be written there.
    world.workshop.write("www2", "in the way");
    world.workshop.json(&["emergency", "export", "--target", &www, "--target", &second]);
    world.lose_the_server();
    let release = ["emergency", "release", "--renew", "--yes"];
    let (status, code) = world.refused(&release);
    assert!(
        [("target_unusable", 8), ("emergency_unfinished", 8)].contains(&(code.as_str(), status)),
        "{code} {status}"
    );
    if code == "target_unusable" {
        // Found before anything was signed; with the one that works it goes on.
        let one = [&release[..], &["--target", &www]].concat();
        assert_eq!(world.workshop.json(&one)["release"], 1001);
    }
    let signed = fs::read(world.workshop.path("pintle-emergency.jws")).unwrap();
    assert_eq!(world.pointer(), signed);
    let another = ["emergency", "release", "--withdraw", "--yes"];
    fs::remove_file(world.workshop.path("www2")).unwrap();
    assert_eq!(world.refused(&another), refused(6, "emergency_pending"));
    let finished = world.workshop.json(&release);
    assert_eq!((&finished["release"], &finished["published"]), (&json!(1001), &json!(true)));
    assert_eq!(fs::read(world.workshop.path("pintle-emergency.jws")).unwrap(), signed, "nothing was signed again");

    // A second person, who signed at the same moment, and whose file meets ours.
    let enforce = format!("{HOST}=report");
    let theirs = ["emergency", "release", "--enforce", &enforce, "--yes", "--signed", "theirs.jws"];
    assert_eq!(world.workshop.json(&theirs)["release"], 2001);
    let overtaken = world.pointer();
    assert_eq!(world.workshop.json(&release)["release"], 3001, "ours was overtaken: a new one goes on from theirs");
    assert_ne!(world.pointer(), overtaken);
}

/// The second target is full, or cannot be written at all: the first has the release, the second what it had, and once there
/// is room the same command brings it the same file.
#[test]
fn a_disk_without_room_keeps_what_it_had_and_gets_the_rest_later() {
    let mut world = World::with_release();
    let test = "a_disk_without_room_keeps_what_it_had_and_gets_the_rest_later";
    let Some(disk) = SmallDisk::mount(&world.workshop.path("small"), 64, test) else { return };
    let (www, small) = (world.target(), format!("dir:{}", world.workshop.path("small").display()));
    world.workshop.json(&["emergency", "export", "--target", &www, "--target", &small]);
    world.lose_the_server();
    let release = ["emergency", "release", "--renew", "--yes"];
    assert_eq!(world.workshop.json(&release)["release"], 1001);
    let small_pointer = || {
        let files = world.workshop.files();
        let found = files.iter().find(|(path, _)| {
            path.starts_with(world.workshop.path("small")) && path.file_name().is_some_and(|name| name == "pins.jws")
        });
        found.unwrap().1.clone()
    };
    let old = small_pointer();
    let filling = disk.fill();
    let run = world.workshop.run(&release);
    assert_eq!(run.status, 8, "{run:?}");
    assert!(run.stderr.contains("emergency_unfinished") && run.stderr.contains("There is no room left"), "{run:?}");
    assert_eq!(small_pointer(), old);
    let signed = world.pointer();
    assert_ne!(signed, old);
    fs::remove_file(filling).unwrap();
    assert_eq!(world.workshop.json(&release)["release"], 2001);
    assert_eq!(small_pointer(), signed, "the same file, signed once");

    disk.make_read_only();
    let run = world.workshop.run(&release);
    assert!(run.status == 8 && run.stderr.contains("can be read only"), "{run:?}");
    assert_eq!(small_pointer(), signed);
    // Where the signed file cannot be kept nothing is published.
    let live = world.pointer();
    let kept_nowhere = ["emergency", "release", "--renew", "--yes", "--target", &www, "--signed", "small/x.jws"];
    assert_eq!(world.refused(&kept_nowhere), refused(3, "file_unwritable"));
    assert_eq!(world.pointer(), live);
}

#[test]
fn a_target_that_says_nothing_is_left_in_time_and_nothing_is_signed() {
    let mut world = World::with_release();
    world.export();
    world.lose_the_server();
    let silent = world.runtime.block_on(Cdn::start(Reply::Silent));
    let place = format!("s3://pins?endpoint={}", silent.url());
    let run = world.workshop.run_with(
        &["emergency", "release", "--renew", "--yes", "--target", &place, "--timeout", "1s"],
        &pintle_testkit::clouds::ENVIRONMENT,
    );
    assert!(run.status == 8 && run.stderr.contains("target_unusable"), "{run:?}");
    assert!(!world.workshop.path("pintle-emergency.jws").exists());
}

#[test]
fn a_cdn_that_does_not_look_for_itself_is_told_and_its_refusal_is_no_failure() {
    let mut world = World::with_release();
    world.export();
    world.lose_the_server();
    let api = world.runtime.block_on(Cdn::start(Reply::Status(204, Vec::new())));
    let url = format!("{}/purge?url={{url_encoded}}", api.url());
    let release = ["emergency", "release", "--renew", "--yes", "--purge-url", &url, "--purge-method", "PURGE"];
    let header = [("PINTLE_PURGE_HEADER", "Authorization: Bearer hidden")];
    let told = world.workshop.run_with(&release, &header);
    assert!(told.status == 0 && told.stdout.contains(&format!("{}: told", world.cdn_url)), "{told:?}");
    assert!(!format!("{told:?}").contains("hidden"));
    let requests = api.requests();
    let asked: Vec<_> = requests.iter().map(|request| request.path.rsplit("%2F").next().unwrap()).collect();
    assert_eq!(asked, ["pins.jws", "pintle.json"]);
    assert!(requests.iter().all(|request| request.header("authorization") == Some("Bearer hidden")), "{requests:?}");

    api.set(Reply::Status(500, Vec::new()));
    let unheard = world.workshop.run(&release);
    assert!(unheard.status == 0 && unheard.stdout.contains("warning[cdn_not_told]"), "{unheard:?}");

    world.workshop.stub("tell-cdn", "echo \"$1\" >> told");
    let program = world.workshop.path("stubs/tell-cdn").display().to_string();
    let run = ["emergency", "release", "--renew", "--yes", "--purge-command", &program];
    assert_eq!(world.workshop.json(&run)["told"], json!([{ "url": world.cdn_url }]));
    let told = fs::read_to_string(world.workshop.path("told")).unwrap();
    assert!(told.lines().all(|line| line.starts_with(&world.cdn_url)) && told.contains("pins.jws"), "{told}");

    let wrong = ["emergency", "release", "--renew", "--yes", "--purge-url", &url, "--purge-method", "NO SUCH"];
    let live = world.pointer();
    assert_eq!(world.refused(&wrong), refused(2, "purge_invalid"));
    assert_eq!(world.pointer(), live, "found before anything was signed");
}

#[test]
fn a_mirror_brings_what_verifies_across_a_gap_and_nothing_lower() {
    let world = World::with_release();
    let workshop = &world.workshop;
    let inside = format!("dir:{}", workshop.path("inside").display());
    let old = world.pointer();
    let out = workshop.json(&["mirror", "--archive", "carried.jws", "--once"]);
    assert_eq!((&out["release"], &out["withdrawn"]), (&json!(1), &json!(false)));
    workshop.write("old.jws", &old);
    workshop.json(&["release", "--yes", "--renew"]);
    workshop.json(&["mirror", "--archive", "carried.jws", "--once"]);
    let url = "https://pins.inside.example";
    let take =
        |file: &'static str| vec!["mirror", "--from", file, "--to", &inside, "--state", "inside-state", "--url", url];
    assert_eq!(workshop.json(&take("carried.jws"))["release"], 2);
    let files = workshop.files();
    let read = |end: &str| {
        let found = files.iter().find(|(path, _)| path.starts_with(workshop.path("inside")) && path.ends_with(end));
        found.unwrap_or_else(|| panic!("no {end} in {:?}", files.keys())).1.clone()
    };
    assert_eq!(read("pins.jws"), world.pointer());
    assert_eq!(read("releases/2.jws"), world.pointer());
    let bundle: Value = serde_json::from_slice(&read("pintle.json")).unwrap();
    assert_eq!(bundle["urls"], json!([url]));

    assert_eq!(world.refused(&take("old.jws")), refused(7, "config_rollback"));
    workshop.write("foreign.jws", "a.b.c");
    assert_eq!(world.refused(&take("foreign.jws")), refused(7, "config_malformed"));
    assert_eq!(world.refused(&take("nothing.jws")), refused(5, "file_not_found"));
    assert_eq!(workshop.json(&take("carried.jws"))["release"], 2, "again is no harm");
    let target = fs::read_dir(workshop.path("inside")).unwrap().count();
    assert!(target > 0);
}

#[test]
fn a_mirror_serves_and_follows() {
    let world = World::with_release();
    let mut mirror = world.workshop.follow(&["mirror", "--listen", "127.0.0.1:0", "--interval", "1"]);
    let url = mirror.url();
    let mut moved: Value = serde_json::from_slice(&fs::read(world.workshop.path("pintle.json")).unwrap()).unwrap();
    moved["urls"] = json!([url]);
    world.workshop.write("moved.json", moved.to_string());
    mirror.wait_for("release 1 ");
    let fetched = world.workshop.json(&["config", "fetch", "--bundle", "moved.json", "--out", "moved.jws"]);
    assert_eq!(fetched["claims"]["ver"], 1);
    world.workshop.json(&["release", "--yes", "--renew"]);
    mirror.wait_for("release 2 ");
    let fetched = world.workshop.json(&["config", "fetch", "--bundle", "moved.json", "--out", "moved.jws", "--force"]);
    assert_eq!(fetched["claims"]["ver"], 2);
}

#[test]
fn a_mirror_whose_disk_is_full_keeps_what_it_had_and_goes_on_when_there_is_room() {
    let world = World::with_release();
    let test = "a_mirror_whose_disk_is_full_keeps_what_it_had_and_goes_on_when_there_is_room";
    let Some(disk) = SmallDisk::mount(&world.workshop.path("small"), 64, test) else { return };
    let place = format!("dir:{}", world.workshop.path("small").display());
    let mirror = ["mirror", "--to", &place, "--once"];
    assert_eq!(world.workshop.json(&mirror)["release"], 1);
    let shown = |name: &str| world.workshop.files().into_iter().find(|(path, _)| path.ends_with(name)).unwrap().1;
    let pointer = |folder: &str| {
        let files = world.workshop.files();
        let mut of_folder = files.into_iter().filter(|(path, _)| path.starts_with(world.workshop.path(folder)));
        of_folder.find(|(path, _)| path.ends_with("pins.jws")).unwrap().1
    };
    let old = pointer("small");
    let filling = disk.fill();
    world.workshop.json(&["release", "--yes", "--renew"]);
    assert_eq!(world.refused(&mirror), refused(8, "target_failed"));
    assert_eq!(pointer("small"), old);
    fs::remove_file(&filling).unwrap();
    assert_eq!(world.workshop.json(&mirror)["release"], 2);
    assert_eq!(pointer("small"), world.pointer());
    assert_eq!(shown("releases/2.jws"), world.pointer());

    // The state itself: what cannot be kept is not shown either, and not passed over.
    let filling = disk.fill();
    world.workshop.json(&["release", "--yes", "--renew"]);
    let kept_there = ["mirror", "--archive", "carried.jws", "--state", "small/state", "--once"];
    assert_eq!(world.refused(&kept_there), refused(3, "store_failed"));
    assert!(!world.workshop.path("carried.jws").exists());
    fs::remove_file(filling).unwrap();
    assert_eq!(world.workshop.json(&kept_there)["release"], 3);
    disk.fill();
    world.workshop.json(&["release", "--yes", "--renew"]);
    assert_eq!(world.refused(&kept_there), refused(3, "store_failed"), "and not: release 3");
}
