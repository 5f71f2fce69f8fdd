use std::{path::PathBuf, sync::Arc, time::Duration};

use pintle_core::Mode;
use tokio::sync::{Notify, watch};

use super::{Error, Pintle, Runtime, off_the_runtime, refresh};
use crate::{
    Authorities, Event, Installation, Listener, Options, Setup, SystemEnvironment, Timer,
    fetch::{Fetcher, Proxies},
    rustls::{PinnedTls, Verifier},
};

/// Options of [`Pintle`].
#[must_use]
pub struct Builder {
    bundle: Vec<u8>,
    seed: Option<Vec<u8>>,
    options: Options,
    storage_dir: Option<PathBuf>,
    connection_authorities: Authorities,
    config_authorities: Authorities,
    http_loopback: bool,
    timer: Arc<dyn Timer>,
    listeners: Vec<Arc<Listener>>,
    collector: Option<String>,
}

impl Builder {
    pub(super) fn new(bundle: Vec<u8>) -> Self {
        Self {
            bundle,
            seed: None,
            options: Options::default(),
            storage_dir: None,
            connection_authorities: Authorities::Platform,
            config_authorities: Authorities::Platform,
            http_loopback: false,
            timer: Arc::new(SystemEnvironment::default()),
            listeners: Vec::new(),
            collector: None,
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
        Self { storage_dir: Some(dir.into()), ..self }
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

    /// Sends sums of violations to the collector at `url`, at most once an hour: entry, code and release, nothing about the
    /// user or the device (`docs/spec/reports.md`). Off otherwise.
    pub fn report_to(self, url: impl Into<String>) -> Self {
        Self { collector: Some(url.into()), ..self }
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
        let setup = Setup {
            seed: self.seed,
            mode: self.options.mode,
            fetch_timeout: self.options.fetch_timeout,
            storage_dir: self.storage_dir,
            ..Setup::parse_bundle(&self.bundle, self.http_loopback)?.with_collector(self.collector.as_deref())?
        };
        let config_tls = self.config_authorities.to_unpinned_config()?;
        let (timer, listeners) = (self.timer, self.listeners);
        let wake = Arc::new(Notify::new());
        let (environment, waker) = (timer.clone(), wake.clone());
        let start = move || Installation::start(setup, environment, listeners, move || waker.notify_one());
        let installation = off_the_runtime(start).await;
        let verifier = Verifier::new(installation.engine().clone(), &self.connection_authorities)?;

        // A proxy would look for the loopback host on its own machine.
        let proxies = if self.http_loopback { Proxies::None } else { Proxies::OfEnvironment };
        let (completed, when_completed) = watch::channel(0);
        let runtime = Arc::new(Runtime {
            tls: PinnedTls::new(installation.engine().clone(), Arc::new(verifier)),
            fetcher: Fetcher::new(config_tls, proxies)?,
            installation,
            completed: when_completed,
            timer,
            wake,
        });
        tokio::spawn(refresh::run(Arc::downgrade(&runtime), completed));
        Ok(Pintle { runtime })
    }
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder")
            .field("options", &self.options)
            .field("storage_dir", &self.storage_dir)
            .finish_non_exhaustive()
    }
}
