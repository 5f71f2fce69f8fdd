//! Two URLs over real TLS, one of which turns bad: apps go on as before, news come by the other in time, and a first start
//! that asks the bad one first takes no longer than its time-out.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use pintle_core::{Code, Root, UnixTime, claims::Pin};
use pintle_e2e::{clock::DrillClock, fleet::Fleet, world::HOST};
use pintle_sdk::{Action, Environment, Moment, Options, Pinner, Record};
use pintle_testkit::{
    cdn::{Cdn, Reply},
    certificate::{Authority, SiteCertificate, leaf_pin},
    project::{Project, domain},
    site::Site,
};
use tokio::task::JoinSet;

use crate::REFRESH;

/// Of every fetch here; it is 10 seconds unless the app says otherwise.
const TIMEOUT: Duration = Duration::from_secs(1);
/// For everything but the time-out, on a busy machine; far from the ten minutes to the next refresh.
const SLACK: Duration = Duration::from_secs(10);
const PORTAL: &str = "<html><body><form action=/login>Welcome to the airport</form></body></html>";

/// What becomes of one of the URLs.
enum Bad {
    Dies,
    Answers(Reply),
    Shows(SiteCertificate),
}

/// An app with two URLs, both of which serve release 2.
struct Scene {
    authority: Authority,
    site: Site,
    good: Cdn,
    bad: Cdn,
    project: Project,
    pins: Vec<Pin>,
    issued_at: UnixTime,
    fleet: Fleet,
}

impl Scene {
    /// Its refreshes begin at the good or at the bad URL, in this order.
    async fn begin(first: &[Which]) -> Self {
        let authority = Authority::root("Public CA");
        let certificate = authority.issue(&[HOST]);
        let site = Site::start(&certificate).await;
        let shown = authority.issue(&["127.0.0.1"]);
        let good = Cdn::start_tls(&shown, Reply::Closed).await;
        let bad = Cdn::start_tls(&shown, Reply::Closed).await;
        let project = Project::new(&[good.url(), bad.url()]);
        let pins = vec![leaf_pin(certificate.leaf())];
        let clock = clock_that_asks(first, project.root(), &good);
        let issued_at = clock.now();
        let fleet = Fleet::new(HOST, &site, &authority, clock);
        let scene = Self { authority, site, good, bad, project, pins, issued_at, fleet };
        scene.good.set(scene.release(2));
        scene.bad.set(scene.release(2));
        scene
    }

    async fn with_app(first: &[Which]) -> Self {
        let mut scene = Self::begin(first).await;
        scene.join().await;
        scene
    }

    async fn join(&mut self) {
        let build = self.fleet.builder(&self.project.bundle()).fetch_timeout(TIMEOUT);
        self.fleet.join(build).await;
        self.fleet.connect().await;
    }

    fn release(&self, version: u64) -> Reply {
        Reply::File(self.file(version, self.pins.clone()))
    }

    fn file(&self, version: u64, pins: Vec<Pin>) -> Vec<u8> {
        self.project.config_with(version, |claims| {
            claims.issued_at = self.issued_at;
            claims.domains = vec![domain(HOST, pins)];
        })
    }

    /// What the bad URL was refused for.
    fn reasons(&self) -> Vec<Code> {
        let troubles = self.fleet.apps().iter().flat_map(|app| app.troubles());
        let mut reasons: Vec<_> =
            troubles.filter(|(url, _)| url.starts_with(self.bad.url())).map(|(_, code)| code).collect();
        reasons.dedup();
        reasons
    }

    fn version(&self) -> u64 {
        self.fleet.apps()[0].release()
    }

    async fn refresh(&self) {
        self.fleet.apps()[0].pintle().refresh().await.unwrap();
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    Good,
    Bad,
}

/// A clock whose chance makes an app's refreshes begin at these URLs.
fn clock_that_asks(first: &[Which], root: &Root, good: &Cdn) -> Arc<DrillClock> {
    let is_asked = |&chance: &u64| {
        let options = Options { chance, ..Options::default() };
        let mut pinner = Pinner::new(root.clone(), options, Record::default(), None, Moment::default().now);
        // Forced, each is a refresh of its own whatever comes of the one before.
        (1..).zip(first).all(|(minutes, which)| {
            let at = Moment { monotonic: Duration::from_secs(minutes * 61), ..Moment::default() };
            assert!(pinner.force_refresh(at).is_some());
            let asked = if let Action::Fetch(fetch) = pinner.poll(at) { fetch.url } else { String::new() };
            asked.starts_with(good.url()) == (*which == Which::Good)
        })
    };
    Arc::new(DrillClock::with_chance((0..).find(is_asked).unwrap()))
}

type Make = Box<dyn FnOnce(&Scene) -> Bad + Send>;

/// Every way to be bad, and as what the app knows it.
fn ways_to_be_bad() -> Vec<(&'static str, Code, Make)> {
    fn answers(reply: Reply) -> Make {
        Box::new(|_| Bad::Answers(reply))
    }
    let elsewhere = vec![("location", "https://portal.example/login".to_owned())];
    vec![
        ("refuses connections", Code::FetchFailed, Box::new(|_| Bad::Dies)),
        ("accepts and says nothing", Code::FetchFailed, answers(Reply::Silent)),
        (
            "ten bytes a second",
            Code::FetchFailed,
            Box::new(|scene| Bad::Answers(Reply::Drip(scene.file(3, scene.pins.clone())))),
        ),
        ("stops in the middle", Code::FetchFailed, answers(Reply::Stalled)),
        ("hangs up", Code::FetchFailed, answers(Reply::Closed)),
        ("endless body", Code::FetchFailed, answers(Reply::Endless)),
        ("garbage", Code::ConfigMalformed, answers(Reply::File(b"\x1f\x8b garbage".to_vec()))),
        ("nothing in it", Code::ConfigMalformed, answers(Reply::File(Vec::new()))),
        ("old file", Code::ConfigRollback, Box::new(|scene| Bad::Answers(scene.release(1)))),
        (
            "another project's file",
            Code::ConfigKeyUnknown,
            Box::new(|scene| {
                let other = Project::named("acme", "other", &[scene.bad.url()]);
                Bad::Answers(Reply::File(other.config(9, Vec::new())))
            }),
        ),
        ("captive portal, 200", Code::ConfigMalformed, answers(Reply::Refusal(200, PORTAL))),
        ("captive portal, 302", Code::FetchFailed, answers(Reply::Status(302, elsewhere))),
        ("captive portal, 511", Code::FetchFailed, answers(Reply::Refusal(511, PORTAL))),
        ("404", Code::FetchFailed, answers(Reply::Status(404, Vec::new()))),
        ("410", Code::FetchFailed, answers(Reply::Status(410, Vec::new()))),
        ("503 for an hour", Code::FetchFailed, answers(Reply::Status(503, vec![("retry-after", "3600".to_owned())]))),
        ("304 unasked", Code::FetchFailed, answers(Reply::NotModified)),
        (
            "certificate of another CA",
            Code::FetchFailed,
            Box::new(|_| Bad::Shows(Authority::root("Not trusted").issue(&["127.0.0.1"]))),
        ),
        (
            "certificate for another name",
            Code::FetchFailed,
            Box::new(|scene| Bad::Shows(scene.authority.issue(&["cdn.example"]))),
        ),
        (
            "expired certificate",
            Code::FetchFailed,
            Box::new(|scene| Bad::Shows(scene.authority.issue_expired(&["127.0.0.1"]))),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_with_two_urls_does_not_notice_one_of_them_turn_bad() {
    let mut episodes = JoinSet::new();
    for (name, code, make) in ways_to_be_bad() {
        episodes.spawn(async move {
            let line = while_it_runs(name, code, make).await;
            println!("{line}");
        });
    }
    while let Some(ended) = episodes.join_next().await {
        ended.unwrap();
    }
}

/// A running app: release 3 is published while its next refresh begins at the bad URL.
async fn while_it_runs(name: &str, code: Code, make: Box<dyn FnOnce(&Scene) -> Bad + Send>) -> String {
    let mut scene = Scene::with_app(&[Which::Good, Which::Bad]).await;
    let began = scene.fleet.now();
    match make(&scene) {
        Bad::Dies => {
            let dead = Cdn::start(Reply::Closed).await;
            std::mem::replace(&mut scene.bad, dead).stop().await;
        }
        Bad::Answers(reply) => scene.bad.set(reply),
        Bad::Shows(certificate) => scene.bad.show(&certificate),
    }
    scene.good.set(scene.release(3));
    scene.fleet.skip(REFRESH).await;
    let due = Instant::now();
    scene.fleet.wait_for_release(3).await;
    let news_took = due.elapsed();
    assert!(news_took <= TIMEOUT + SLACK, "{name}: {news_took:?}");
    let troubles: Vec<_> = scene.fleet.apps()[0].troubles().into_iter().map(|(_, code)| code).collect();
    assert_eq!(troubles, [code], "{name}: the bad URL was asked first, once");
    // And on, through another refresh.
    scene.fleet.live(REFRESH).await;
    let tally = scene.fleet.tally(began);
    assert!(tally.refused.is_empty(), "{name}: {tally}");
    assert_eq!(scene.version(), 3, "{name}");

    let start_took = first_start(&scene, name).await;
    format!(
        "fail-over drill, {name}: news after {:.2} s; first start {:.2} s; {tally}",
        news_took.as_secs_f64(),
        start_took.as_secs_f64()
    )
}

/// Another app, which knows nothing yet, starts for the first time and asks the bad URL first.
async fn first_start(scene: &Scene, name: &str) -> Duration {
    let clock = clock_that_asks(&[Which::Bad], scene.project.root(), &scene.good);
    let fleet = Fleet::new(HOST, &scene.site, &scene.authority, clock);
    let build = fleet.builder(&scene.project.bundle()).fetch_timeout(TIMEOUT);
    let began = Instant::now();
    let app = build.setup().await.unwrap();
    let took = began.elapsed();
    assert!(took <= TIMEOUT + SLACK, "{name}: {took:?}");
    // Who knows nothing yet cannot know that a file is old.
    let expected = if name == "old file" { 1 } else { 3 };
    assert_eq!(app.snapshot().config().unwrap().claims().version, expected, "{name}");
    took
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_start_with_an_old_file_is_over_with_the_first_refresh_that_begins_elsewhere() {
    let mut scene = Scene::begin(&[Which::Bad, Which::Bad, Which::Good, Which::Bad]).await;
    scene.bad.set(scene.release(1));
    scene.join().await;
    assert_eq!(scene.version(), 1);
    scene.refresh().await;
    assert_eq!(scene.version(), 1);
    scene.refresh().await;
    assert_eq!(scene.version(), 2);
    // For good.
    scene.refresh().await;
    assert_eq!((scene.version(), scene.reasons()), (2, vec![Code::ConfigRollback]));

    // An app that ships a seed is never that old.
    let seed = scene.file(2, scene.pins.clone());
    let clock = clock_that_asks(&[Which::Bad], scene.project.root(), &scene.good);
    let mut fleet = Fleet::new(HOST, &scene.site, &scene.authority, clock);
    let build = fleet.builder(&scene.project.bundle()).seed(seed);
    fleet.join(build).await;
    fleet.apps()[0].pintle().refresh().await.unwrap();
    assert_eq!(fleet.apps()[0].release(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_that_stands_still_delays_news_until_a_refresh_begins_elsewhere() {
    let scene = Scene::with_app(&[Which::Good, Which::Bad, Which::Good]).await;
    scene.good.set(scene.release(3));
    scene.refresh().await;
    assert_eq!(scene.version(), 2);
    scene.refresh().await;
    assert_eq!(scene.version(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn news_that_a_refusal_asks_for_come_from_whichever_url_has_them() {
    let scene = Scene::with_app(&[Which::Good, Which::Bad]).await;
    // The bad one says nothing; the site renews its key, which only release 3 knows.
    scene.bad.set(Reply::Silent);
    let renewed = scene.authority.issue(&[HOST]);
    let pins = vec![scene.pins[0], leaf_pin(renewed.leaf())];
    scene.good.set(Reply::File(scene.file(3, pins)));
    let began = scene.fleet.now();
    scene.site.swap(&renewed);
    scene.fleet.wait_for_release(3).await;
    // What waits for the forced refresh waits for the silent URL, too, for five seconds in all (P-4.11).
    scene.fleet.clock().skip(Duration::from_secs(5));
    scene.fleet.connect().await;
    let tally = scene.fleet.tally(began);
    assert!(tally.refused.is_empty(), "{tally}");
    assert!(scene.fleet.now() - began < Duration::from_secs(5) + SLACK);
}

#[tokio::test(flavor = "multi_thread")]
async fn urls_may_fail_in_turn() {
    let scene = Scene::with_app(&[Which::Good]).await;
    let began = scene.fleet.now();
    for (version, up, down) in
        [(3, &scene.good, &scene.bad), (4, &scene.bad, &scene.good), (5, &scene.good, &scene.bad)]
    {
        down.set(Reply::Closed);
        up.set(scene.release(version));
        scene.fleet.skip(REFRESH).await;
        scene.fleet.wait_for_release(version).await;
    }
    // Both at once: what is there goes on.
    scene.good.set(Reply::Closed);
    scene.fleet.live(REFRESH).await;
    scene.good.set(scene.release(6));
    scene.fleet.live(REFRESH).await;
    scene.fleet.wait_for_release(6).await;
    let tally = scene.fleet.tally(began);
    println!("fail-over drill, in turn and both at once: {tally}");
    assert!(tally.refused.is_empty(), "{tally}");
}
