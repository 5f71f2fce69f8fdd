//! Apps that go on connecting, whatever is done to their pins meanwhile.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use pintle_core::{Code, decide::Verdict};
use pintle_sdk::{Authorities, Builder, Client, Environment, Error, Event, Pintle, Source};
use pintle_testkit::{certificate::Authority, site::Site};
use rustls_pki_types::CertificateDer;
use std::net::SocketAddr;
use tokio::{
    sync::{RwLock, watch},
    task::AbortHandle,
    time::timeout,
};

use crate::clock::DrillClock;

/// Between two connections of an app, on the machine's clock: what else runs needs a processor, too.
const PAUSE: Duration = Duration::from_millis(10);
/// How far the apps' clocks are put ahead at once.
const STEP: Duration = Duration::from_secs(30);
/// On the machine's clock: what has not happened by then does not happen.
const PATIENCE: Duration = Duration::from_secs(30);

/// Apps with one clock, each of which connects to one host again and again, and refreshes by itself.
pub struct Fleet {
    host: &'static str,
    site: SocketAddr,
    authority: CertificateDer<'static>,
    clock: Arc<DrillClock>,
    /// Read by every connection while it is made; time is put ahead when there is none.
    still: Arc<RwLock<()>>,
    apps: Vec<App>,
}

/// One of them. Ends when dropped.
pub struct App {
    pintle: Pintle,
    checks: watch::Receiver<Vec<Check>>,
    told: watch::Receiver<Vec<Told>>,
    task: AbortHandle,
}

struct Check {
    began: Duration,
    ended: Duration,
    /// Why there is no connection.
    refused: Option<String>,
}

/// What an app was told of one of its files.
#[derive(Clone, Debug)]
struct Told {
    at: Duration,
    release: Option<u64>,
    trouble: Option<(String, Code)>,
}

impl Fleet {
    /// Without any app yet.
    #[must_use]
    pub fn new(host: &'static str, site: &Site, authority: &Authority, clock: Arc<DrillClock>) -> Self {
        let authority = authority.certificate().clone();
        Self { host, site: site.address(), authority, clock, still: Arc::default(), apps: Vec::new() }
    }

    /// An app that embeds `bundle`, to be set up; the fleet's clock and CA are its own.
    pub fn builder(&self, bundle: &str) -> Builder {
        Pintle::builder(bundle)
            .dangerous_allow_http_loopback()
            .connection_authorities(Authorities::Only(vec![self.authority.clone()]))
            .config_authorities(Authorities::Only(vec![self.authority.clone()]))
            .environment(self.clock.clone())
    }

    /// Sets an app up and lets it connect from now on.
    ///
    /// # Panics
    /// Its set-up fails.
    pub async fn join(&mut self, builder: Builder) {
        let (tell, told) = watch::channel(Vec::new());
        let clock = self.clock.clone();
        let builder = builder.listen(move |event| {
            if let Some(news) = Told::parse(event, clock.monotonic()) {
                tell.send_modify(|all| all.push(news));
            }
        });
        let pintle = builder.setup().await.unwrap();
        let (host, site) = (self.host, self.site);
        let client =
            pintle.client_with(move |client| client.no_proxy().resolve(host, site).pool_max_idle_per_host(0)).unwrap();
        let (seen, checks) = watch::channel(Vec::new());
        let url = format!("https://{host}:{}/", site.port());
        let task = tokio::spawn(connect_forever(client, url, self.clock.clone(), self.still.clone(), seen));
        self.apps.push(App { pintle, checks, told, task: task.abort_handle() });
    }

    /// The last app to have joined is ended.
    pub fn leave(&mut self) {
        drop(self.apps.pop());
    }

    /// In the order they joined.
    #[must_use]
    pub fn apps(&self) -> &[App] {
        &self.apps
    }

    /// The apps' clock.
    #[must_use]
    pub fn clock(&self) -> &DrillClock {
        &self.clock
    }

    /// On the apps' clock.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.clock.monotonic()
    }

    /// Every app begins and ends a connection from here on.
    ///
    /// # Panics
    /// One does not, within half a minute of the machine's clock.
    pub async fn connect(&self) {
        let now = self.now();
        for app in &self.apps {
            let mut checks = app.checks.clone();
            let connected = checks.wait_for(|checks| checks.last().is_some_and(|check| check.began >= now));
            drop(timeout(PATIENCE, connected).await.unwrap().unwrap());
        }
    }

    /// Lets `span` pass on the apps' clock; every app connects at least every 30 seconds of it.
    ///
    /// # Panics
    /// An app does not connect.
    pub async fn live(&self, span: Duration) {
        let until = self.now() + span;
        while let Some(left) = until.checked_sub(self.now()).filter(|left| !left.is_zero()) {
            self.skip(left.min(STEP)).await;
            self.connect().await;
        }
    }

    /// Puts the apps' clock ahead at a moment when no app is in the middle of something.
    pub async fn skip(&self, span: Duration) {
        let _still = self.still.write().await;
        for app in &self.apps {
            let engine = app.pintle.engine();
            while engine.completed_rounds() < engine.started_rounds() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        self.clock.skip(span);
    }

    /// Resolves once `release` is what every app believes last.
    ///
    /// # Panics
    /// It is not, within half a minute of the machine's clock.
    pub async fn wait_for_release(&self, release: u64) {
        for app in &self.apps {
            let mut told = app.told.clone();
            let taken = told.wait_for(|told| told.iter().rev().find_map(|told| told.release) == Some(release));
            drop(timeout(PATIENCE, taken).await.unwrap_or_else(|_| app.give_up(release)).unwrap());
        }
    }

    /// When, on their clock, the last of the apps took up a file from `since` on; `since` if none did.
    #[must_use]
    pub fn last_news(&self, since: Duration) -> Duration {
        let times = self.apps.iter().flat_map(|app| {
            let told = app.told.borrow();
            told.iter().filter(|told| told.release.is_some()).map(|told| told.at).collect::<Vec<_>>()
        });
        times.max().map_or(since, |last| last.max(since))
    }

    /// How the connections that began at `since` or later ended.
    #[must_use]
    pub fn tally(&self, since: Duration) -> Tally {
        let mut tally = Tally::default();
        for app in &self.apps {
            tally.count(app.checks.borrow().iter().filter(|check| check.began >= since));
        }
        tally
    }
}

async fn connect_forever(
    client: Client,
    url: String,
    clock: Arc<DrillClock>,
    still: Arc<RwLock<()>>,
    seen: watch::Sender<Vec<Check>>,
) {
    loop {
        {
            let _going = still.read().await;
            let began = clock.monotonic();
            let refused = match client.get(&url).send().await {
                Ok(_) => None,
                Err(Error::Refused(refusal)) => Some(refusal.code.to_string()),
                Err(other) => Some(format!("{other:?}")),
            };
            seen.send_modify(|checks| checks.push(Check { began, ended: clock.monotonic(), refused }));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

impl App {
    /// Its handle.
    #[must_use]
    pub fn pintle(&self) -> &Pintle {
        &self.pintle
    }

    /// The number of the release it goes by.
    ///
    /// # Panics
    /// It has none.
    #[must_use]
    pub fn release(&self) -> u64 {
        self.pintle.snapshot().config().unwrap().claims().version
    }

    /// The thumbprint of the key that signed it.
    ///
    /// # Panics
    /// It has none.
    #[must_use]
    pub fn kid(&self) -> String {
        self.pintle.snapshot().config().unwrap().kid().to_string()
    }

    /// What it decides of its host at another address: `None` if it connects.
    ///
    /// # Panics
    /// Nothing answers there.
    pub async fn refusal(&self, host: &str, address: SocketAddr) -> Option<Code> {
        let decision = self.pintle.probe(host, Some(address)).await.unwrap().decision;
        if matches!(decision.verdict, Verdict::Pinned { .. }) { None } else { decision.code() }
    }

    /// What it was told of answers that it did not take, as (URL, code), oldest first.
    #[must_use]
    pub fn troubles(&self) -> Vec<(String, Code)> {
        self.told.borrow().iter().filter_map(|told| told.trouble.clone()).collect()
    }

    #[expect(clippy::panic, reason = "a panic is how a test fails")]
    fn give_up<T>(&self, release: u64) -> T {
        panic!("release {release} does not come: {:?}", self.told.borrow())
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Told {
    fn parse(event: &Event, at: Duration) -> Option<Self> {
        let (release, trouble) = match event {
            Event::ConfigAccepted { floor, .. } => (Some(floor.version), None),
            Event::ConfigRejected { source: Source::Url(url), error } => (None, Some((url.clone(), error.code()))),
            Event::FetchFailed { url, .. } => (None, Some((url.clone(), event.code()?))),
            _ => return None,
        };
        Some(Self { at, release, trouble })
    }
}

/// How connections ended.
#[derive(Debug, Default)]
pub struct Tally {
    /// All of them.
    pub connections: usize,
    /// Those that were not made, by code.
    pub refused: BTreeMap<String, usize>,
    /// The longest that any app went without a connection, on the apps' clock: from the beginning of the first refused to
    /// the end of the next that was made, or of the last of all.
    pub longest: Duration,
}

impl Tally {
    /// The codes by which connections were refused.
    #[must_use]
    pub fn codes(&self) -> Vec<&str> {
        self.refused.keys().map(String::as_str).collect()
    }

    fn count<'a>(&mut self, checks: impl Iterator<Item = &'a Check>) {
        let mut down_since = None;
        for check in checks {
            self.connections += 1;
            if let Some(code) = &check.refused {
                *self.refused.entry(code.clone()).or_default() += 1;
                down_since.get_or_insert(check.began);
            }
            if let Some(since) = down_since {
                self.longest = self.longest.max(check.ended.saturating_sub(since));
            }
            if check.refused.is_none() {
                down_since = None;
            }
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} connections, ", self.connections)?;
        if self.refused.is_empty() {
            return f.write_str("none refused");
        }
        let codes: Vec<_> = self.refused.iter().map(|(code, count)| format!("{count} {code}")).collect();
        write!(f, "refused {} for {:.1} s", codes.join(", "), self.longest.as_secs_f64())
    }
}
