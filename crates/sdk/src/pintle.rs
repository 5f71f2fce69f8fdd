//! The running handle: an engine that is fed by tokio.

mod builder;
mod refresh;

use std::{io, net::SocketAddr, sync::Arc};

use pintle_core::{Code, Decision, Mode, decide::PlatformVerdict, root::SetupError};
use rustls_pki_types::CertificateDer;
use tokio::sync::{Notify, watch};

pub use self::builder::Builder;
use crate::{
    AuthoritiesError, Engine, Event, Evidence, FetchError, Installation, Snapshot, Timer,
    fetch::Fetcher,
    rustls::{PinnedTls, Refusal},
    show,
};

/// Dynamic pinning for one project, running: it refreshes in the background for as long as a clone of it exists, and the
/// tokio runtime in which it was set up.
///
/// Several live side by side, one per root.
#[derive(Clone)]
pub struct Pintle {
    runtime: Arc<Runtime>,
}

struct Runtime {
    installation: Installation,
    tls: PinnedTls,
    fetcher: Fetcher,
    /// The number of the last refresh that is over and persisted; closed once nothing refreshes any more.
    completed: watch::Receiver<u64>,
    timer: Arc<dyn Timer>,
    wake: Arc<Notify>,
}

/// Why pinning could not be set up, or a pinned connection not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bundle is wrong.
    #[error("set-up: {0}")]
    Setup(#[from] SetupError),
    /// The certificate authorities.
    #[error("set-up: {0}")]
    Authorities(#[from] AuthoritiesError),
    /// No configuration has ever been accepted and none could be fetched.
    #[error("no configuration: {0}")]
    Fetch(FetchError),
    /// The connection was refused by its pins.
    #[error(transparent)]
    Refused(Refusal),
    /// The HTTP client.
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    /// No connection, or no TLS handshake.
    #[error("{host}: {error}")]
    Unreachable {
        /// As given.
        host: String,
        /// Why.
        error: io::Error,
    },
}

impl Error {
    /// The stable code (P-8.1); `None` for what happens below pinning.
    #[must_use]
    pub const fn code(&self) -> Option<Code> {
        match self {
            Self::Setup(_) | Self::Authorities(_) => Some(Code::SetupInvalid),
            Self::Fetch(error) => Some(error.code()),
            Self::Refused(refusal) => Some(refusal.code),
            Self::Http(_) | Self::Unreachable { .. } => None,
        }
    }
}

/// What a host presents, and what an app connecting to it now would decide.
#[derive(Clone, Debug)]
pub struct Probe {
    /// Leaf first, as presented: it proves nothing by itself.
    pub chain: Vec<CertificateDer<'static>>,
    /// The decision.
    pub decision: Decision,
}

impl Pintle {
    /// Sets up pinning from the bundle `pintle.json`, with defaults: strict, nothing kept on disk, the platform's
    /// certificate authorities. Returns once a configuration is in force.
    pub async fn setup(bundle: impl AsRef<[u8]>) -> Result<Self, Error> {
        Self::builder(bundle).setup().await
    }

    /// The same with options.
    pub fn builder(bundle: impl AsRef<[u8]>) -> Builder {
        Builder::new(bundle.as_ref().to_vec())
    }

    /// Decides a connection of any other stack to `host`, which presented `chain` (leaf first) and on which the
    /// platform said `platform`. Where a refusal might come from an old configuration, news is fetched first (P-4.11):
    /// at most five seconds, at most once a minute.
    pub async fn check(&self, host: &str, chain: &[CertificateDer<'_>], platform: PlatformVerdict) -> Decision {
        self.check_twice(|| self.engine().check(host, &Evidence::judged(chain, platform))).await
    }

    /// Connects to `address` (or, if `None`, to `host` on port 443), shows what is presented there under the name
    /// `host` and what is decided of it. Sends no request.
    pub async fn probe(&self, host: &str, address: Option<SocketAddr>) -> Result<Probe, Error> {
        let chain = show::fetch_certificate(host, address).await?;
        let decision = self.check_twice(|| self.runtime.tls.verifier().check(host, &chain)).await;
        Ok(Probe { chain, decision })
    }

    async fn check_twice(&self, check: impl Fn() -> Decision) -> Decision {
        let decision = check();
        if decision.code() != Some(Code::RetryAfterRefresh) {
            return decision;
        }
        self.wait_for_refresh(self.engine().started_rounds()).await;
        check()
    }

    /// Refreshes now; over when every needed answer is in, and persisted.
    pub async fn refresh(&self) -> Result<(), FetchError> {
        let round = self.engine().refresh_now();
        // A forced one may have taken its place.
        if !self.wait_for_refresh(round).await || !self.wait_for_refresh(self.engine().started_rounds()).await {
            return Err(FetchError::Lost);
        }
        self.engine().last_failure().map_or(Ok(()), Err)
    }

    /// Takes up another project or key (P-5.5): everything from now on is decided by the root of this bundle, for this
    /// process only, so it is to be given again at each start. Returns once a configuration of it is in force; until
    /// then every connection is refused. Nothing kept of the earlier root is touched.
    ///
    /// Whoever can change what is passed here decides what the app trusts: the channel that it comes by is a root of
    /// trust itself.
    pub async fn reconfigure(&self, bundle: impl AsRef<[u8]>) -> Result<(), Error> {
        let (installation, bundle) = (self.runtime.installation.clone(), bundle.as_ref().to_vec());
        let round = off_the_runtime(move || installation.reconfigure(&bundle)).await?;
        self.wait_for_configuration(round).await
    }

    /// At once if one is in force, else after the refresh `round`.
    async fn wait_for_configuration(&self, round: u64) -> Result<(), Error> {
        let is_missing = || self.snapshot().config().is_none();
        if is_missing() && !self.wait_for_refresh(round).await && is_missing() {
            return Err(Error::Fetch(FetchError::Lost));
        }
        match self.engine().last_failure() {
            Some(error) if is_missing() => Err(Error::Fetch(error)),
            _ => Ok(()),
        }
    }

    /// False, and at once, if it never will be over: the tokio runtime that refreshes has ended.
    async fn wait_for_refresh(&self, round: u64) -> bool {
        self.runtime.completed.clone().wait_for(|completed| *completed >= round).await.is_ok()
    }

    /// Whether `error`, of whichever client, is a refusal that news may change: then waits for them, and the request is
    /// worth one more try on a new connection (P-4.11). Five seconds at most, once a minute.
    pub fn may_try_again<'p>(
        &'p self,
        error: &(dyn std::error::Error + 'static),
    ) -> impl Future<Output = bool> + Send + use<'p> {
        let may = Refusal::find(error).is_some_and(|refusal| refusal.code == Code::RetryAfterRefresh);
        async move {
            if may {
                self.wait_for_refresh(self.engine().started_rounds()).await;
            }
            may
        }
    }

    /// Waits until the forced refresh that is running, if one is, is over.
    #[cfg(feature = "reqwest")]
    pub(crate) async fn wait_for_running_refresh(&self) {
        self.wait_for_refresh(self.engine().started_rounds()).await;
    }

    /// Tells `listener` every event from now on; see [`Builder::listen`] for those of the start.
    pub fn listen(&self, listener: impl Fn(&Event) + Send + Sync + 'static) {
        self.engine().listen(listener);
    }

    /// Changes what happens to hosts without an entry.
    pub fn set_mode(&self, mode: Mode) {
        self.engine().update(|pinner| pinner.set_mode(mode));
    }

    /// What decisions are made on now.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.engine().snapshot()
    }

    /// What decides in TLS hooks.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        self.runtime.installation.engine()
    }

    /// For clients built on rustls.
    #[must_use]
    pub fn tls(&self) -> &PinnedTls {
        &self.runtime.tls
    }
}

/// Runs what syncs files: not on a thread that serves connections.
async fn off_the_runtime<T: Send + 'static>(block: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(block).await {
        Ok(done) => done,
        // Only a runtime that is shutting down cancels it.
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

impl std::fmt::Debug for Pintle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pintle").field("engine", self.engine()).finish_non_exhaustive()
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        // The refresh task sees that nobody is left.
        self.wake.notify_one();
    }
}
