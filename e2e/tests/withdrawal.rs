//! Compromise: apps are told to trust nothing and to trust again, or are moved to another project with another key. Real
//! server, real command line, real SDK.
#![cfg(test)]

use std::{fs, time::Instant};

use pintle_core::{Code, decide::Verdict};
use pintle_e2e::{Server, fail, run, run_for_data};
use pintle_sdk::{Authorities, Pintle};
use pintle_testkit::{certificate::Authority, site::Site};

const HOST: &str = "shop.example";

/// A project with one pinned host and one release, and an app that fetches it from the server's own origin.
struct World {
    folder: tempfile::TempDir,
    origin: String,
    _server: Server,
    site: Site,
    app: Pintle,
}

impl World {
    async fn with_app() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (server, origin) = Server::start(folder.path(), &[]);
        let authority = Authority::root("Site CA");
        let site = Site::start(&authority.issue(&[HOST])).await;
        for arguments in [
            &["login", "--server", &origin, "--token-file", "token"][..],
            &["orgs", "create", "Acme"],
            &["projects", "create", "shop"],
            &["keys", "generate"],
            &["keys", "register"],
            &["domains", "add", HOST],
            &["pins", "add", HOST, "--from-host", &site.address().to_string()],
            &["release", "--yes"],
            &["bundle"],
        ] {
            let _said = run(folder.path(), arguments);
        }
        let app = Pintle::builder(fs::read(folder.path().join("pintle.json")).unwrap())
            .dangerous_allow_http_loopback()
            .connection_authorities(Authorities::Only(vec![authority.certificate().clone()]))
            .storage_dir(folder.path().join("app"))
            .setup()
            .await
            .unwrap();
        Self { folder, origin, _server: server, site, app }
    }

    fn run(&self, arguments: &[&str]) -> String {
        run(self.folder.path(), arguments)
    }

    /// What the app decides about its host: `None` if it connects.
    async fn refusal(&self) -> Option<Code> {
        let decision = self.app.probe(HOST, Some(self.site.address())).await.unwrap().decision;
        if matches!(decision.verdict, Verdict::Pinned { .. }) { None } else { decision.code() }
    }

    /// The status of a file of the project at the server's own origin.
    async fn status(&self, file: &str) -> u16 {
        let bundle: serde_json::Value =
            serde_json::from_slice(&fs::read(self.folder.path().join("pintle.json")).unwrap()).unwrap();
        let id = |member: &str| bundle[member].as_str().unwrap().to_owned();
        let url = format!("{}/cdn/{}/{}/{file}", self.origin, id("organization"), id("project"));
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        client.get(url).send().await.unwrap().status().as_u16()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_project_is_refused_by_apps_until_it_is_restored() {
    let world = World::with_app().await;
    assert_eq!(world.refusal().await, None);
    let (status, said) = fail(world.folder.path(), &["restore", "--yes"]);
    assert!(status == 6 && said.contains("[not_withdrawn]"), "{status}: {said}");

    let said = world.run(&["withdraw", "--yes"]);
    assert!(said.contains("live on every target since"), "{said}");
    world.app.refresh().await.unwrap();
    assert_eq!(world.refusal().await, Some(Code::ConfigWithdrawn));
    let statuses = [world.status("pins.jws").await, world.status("releases/1.jws").await];
    assert_eq!(statuses, [200, 410], "what tells apps stays, what they must not use any more is gone");

    let said = world.run(&["restore", "--yes"]);
    assert!(said.contains("Apps connect again as with release 1"), "{said}");
    world.app.refresh().await.unwrap();
    assert_eq!(world.refusal().await, None);
    assert_eq!(world.app.snapshot().config().unwrap().claims().version, 3);
    assert_eq!(world.status("releases/1.jws").await, 404, "no longer withdrawn, and not published again");
}

#[tokio::test(flavor = "multi_thread")]
async fn apps_are_moved_to_a_new_project_with_a_new_key_in_one_command() {
    let world = World::with_app().await;
    // The key is stolen and there is no recovery key: nothing that it signs may be believed any more.
    let began = Instant::now();
    let copy = ["projects", "copy", "shop/production", "--environment", "production-2", "--new-key", "--yes"];
    let bundle = run_for_data(world.folder.path(), &copy);
    // The apps' remote configuration carries the bundle; the app takes it up.
    world.app.reconfigure(bundle.as_bytes()).await.unwrap();
    assert_eq!(world.refusal().await, None);
    let took = began.elapsed();
    println!("migration drill: {} ms from the command to an app that is pinned by the new project", took.as_millis());
    assert!(took.as_secs() < 300, "{took:?}");

    let moved = world.app.snapshot();
    let claims = moved.config().unwrap().claims();
    assert!(bundle.contains(claims.project.as_str()) && claims.version == 1, "{bundle}");
    // Interrupted or repeated, it goes on where it stopped: the same project, the same bundle.
    assert_eq!(run_for_data(world.folder.path(), &copy), bundle);
    let _said = world.run(&["withdraw", "--yes", "--project", "shop/production"]);
    world.app.refresh().await.unwrap();
    assert_eq!(world.refusal().await, None, "what becomes of the old project is nothing to a moved app");
}
