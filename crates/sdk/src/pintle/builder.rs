use std::{path::PathBuf, sync::Arc, time::Duration};

use pintle_core::{Mode, Root, root::SetupError};
use tokio::sync::{Notify, watch};

use super::{Error, Pintle, Runtime, refresh, storage::Storage};
use crate::{
    Authorities, Engine, Event, Listener, Options, Pinner, SystemEnvironment, Timer,
    fetch::{Fetcher, Proxies},
    rustls::{PinnedTls, Verifier},
};

/// Options of [`Pintle`].
#[must_use]
pub struct Builder {
    bundle: Vec<u8>,
    seed: Option<Vec<u8>>,
    options: Options,
    storage: Storage,
    connection_authorities: Authorities,
    config_authorities: Authorities,
    http_loopback: bool,
    timer: Arc<dyn Timer>,
    listeners: Vec<Arc<Listener>>,
}

impl Builder {
    pub(super) fn new(bundle: Vec<u8>) -> Self {
        Self {
            bundle,
            seed: None,
            options: Options::default(),
            storage: Storage::default(),
            connection_authorities: Authorities::Platform,
            config_authorities: Authorities::Platform,
            http_loopback: false,
            timer: Arc::new(SystemEnvironment::default()),
            listeners: Vec::new(),
        }
    }

    /// A signed configuration shipped inside the app, for its very first start (P-1.1).
    pub fn seed(self, config: impl Into<Vec<u8>>) -> Self {
        Self { seed: Some(config.into()), ..self }
    }

    /// What happens to hosts without an entry: refused by default.
    pub fn mode(self, mode: Mode) -> Self {
        Self { options: Options { mode, ..self.options }, ..self }
    }

    /// Time allowed to the last byte of a configuration: 10 seconds by default, 1 to 120 (P-7.3).
    pub fn fetch_timeout(self, fetch_timeout: Duration) -> Self {
        Self { options: Options { fetch_timeout, ..self.options }, ..self }
    }

    /// Keeps the accepted configuration and its floor in a folder of its own under `dir`. Without it a restart begins
    /// from the seed, and percentage enforcement counts every installation in.
    pub fn storage_dir(self, dir: impl Into<PathBuf>) -> Self {
        Self { storage: Storage(Some(dir.into())), ..self }
    }

    /// Certificate authorities that count, besides the pins, for the app's connections.
    pub fn connection_authorities(self, authorities: Authorities) -> Self {
        Self { connection_authorities: authorities, ..self }
    }

    /// Certificate authorities that count when configurations are fetched.
    pub fn config_authorities(self, authorities: Authorities) -> Self {
        Self { config_authorities: authorities, ..self }
    }

    /// Lets the bundle name `http` URLs of this machine (P-1.3), for tests and trials.
    pub fn dangerous_allow_http_loopback(self) -> Self {
        Self { http_loopback: true, ..self }
    }

    /// Clocks and chance of one's own, for tests.
    pub fn environment(self, timer: Arc<dyn Timer>) -> Self {
        Self { timer, ..self }
    }

    /// Tells `listener` every event, those of the start included.
    pub fn listen(mut self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.listeners.push(Arc::new(listener));
        self
    }

    /// Starts, and returns once a configuration is in force: from disk or seed at once, else after the first fetch.
    pub async fn setup(self) -> Result<Pintle, Error> {
        let pintle = self.start().await?;
        pintle.wait_for_configuration(1).await?;
        Ok(pintle)
    }

    /// Starts without waiting for a fetch: for an app whose first start may be offline. Until a configuration comes,
    /// every connection is refused with `config_missing`.
    pub async fn start(self) -> Result<Pintle, Error> {
        let root = parse_bundle(&self.bundle, self.http_loopback)?;
        let (record, loaded) = self.storage.load(&root);
        let timer = self.timer;
        let options = Options {
            draw_from: self.storage.0.is_some().then(|| timer.random()),
            chance: timer.random(),
            ..self.options
        };
        let mut pinner = Pinner::new(root.clone(), options, record, self.seed.as_deref(), timer.now());
        let events: Vec<_> = loaded.into_iter().chain(pinner.take_events()).collect();

        // A proxy would look for the loopback host on its own machine.
        let proxies = if self.http_loopback { Proxies::None } else { Proxies::OfEnvironment };
        let wake = Arc::new(Notify::new());
        let waker = wake.clone();
        let engine = Engine::new(pinner, timer.clone(), move || waker.notify_one());
        let verifier = Verifier::new(engine.clone(), &self.connection_authorities)?;
        let runtime = Arc::new(Runtime {
            tls: PinnedTls::new(engine.clone(), Arc::new(verifier)),
            fetcher: Fetcher::new(self.config_authorities.to_unpinned_config()?, proxies)?,
            engine,
            storage: self.storage,
            http_loopback: self.http_loopback,
            completed: watch::Sender::new(0),
            timer,
            wake,
        });
        for listener in self.listeners {
            runtime.engine.listen(move |event| listener(event));
        }
        runtime.tell_start(&root, &events);
        runtime.persist().await;
        tokio::spawn(refresh::run(Arc::downgrade(&runtime)));
        Ok(Pintle { runtime })
    }
}

/// The bundle `pintle.json`, through the door that was opened (P-1.3).
pub(super) fn parse_bundle(bundle: &[u8], http_loopback: bool) -> Result<Root, SetupError> {
    match http_loopback {
        true => Root::dangerous_parse_bundle_with_http_loopback(bundle),
        false => Root::parse_bundle(bundle),
    }
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder")
            .field("options", &self.options)
            .field("storage", &self.storage)
            .finish_non_exhaustive()
    }
}
