//! The app's side of the demo: what an app developer writes, and an ear for its events.

use std::{
    fmt,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use pintle_core::{Code, Mode, Root};
use pintle_sdk::{Authorities, Event, FetchError, Pintle};
use rustls::pki_types::CertificateDer;

use super::{DemoError, site};

/// An app on a device whose platform trusts one CA.
pub(super) struct App {
    pintle: Pintle,
    events: Arc<Mutex<Vec<Event>>>,
}

/// How a request ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// With this body.
    Answered(String),
    /// By the pins, before a byte of it was sent.
    Refused(Code),
    /// In some other way.
    Failed(String),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered(_) => f.write_str("answered"),
            Self::Refused(code) => code.fmt(f),
            Self::Failed(reason) => f.write_str(reason),
        }
    }
}

impl Outcome {
    /// With what the demo's sites say.
    pub(super) fn is_welcome(&self) -> bool {
        matches!(self, Self::Answered(body) if body == site::BODY)
    }
}

impl App {
    /// Starts the app: from disk if it ran before, else after its first fetch.
    pub(super) async fn start(
        root: &Root,
        mode: Mode,
        platform_ca: &CertificateDer<'static>,
        storage: &Path,
    ) -> Result<Self, DemoError> {
        let events = Arc::new(Mutex::new(Vec::new()));
        let heard = events.clone();
        let pintle = Pintle::builder(root.to_bundle_json())
            .mode(mode)
            .storage_dir(storage)
            .connection_authorities(Authorities::Only(vec![platform_ca.clone()]))
            .dangerous_allow_http_loopback()
            .listen(move |event| heard.lock().unwrap_or_else(PoisonError::into_inner).push(event.clone()))
            .setup()
            .await?;
        Ok(Self { pintle, events })
    }

    /// Requests `https://{host}/`, the name resolving to `address`.
    pub(super) async fn request(&self, host: &str, address: SocketAddr) -> Result<Outcome, DemoError> {
        let resolved = host.to_owned();
        let client = self.pintle.client_with(move |builder| builder.no_proxy().resolve(&resolved, address))?;
        Ok(match client.get(format!("https://{host}/")).send().await {
            Ok(response) => Outcome::Answered(response.text().await?),
            Err(pintle_sdk::Error::Refused(refusal)) => Outcome::Refused(refusal.code),
            Err(error) => Outcome::Failed(error.to_string()),
        })
    }

    /// Asks for news now rather than within `refresh` seconds.
    pub(super) async fn refresh(&self) -> Result<(), FetchError> {
        self.pintle.refresh().await
    }

    /// Number of the release in force.
    pub(super) fn release(&self) -> Option<u64> {
        self.pintle.snapshot().config().map(|config| config.claims().version)
    }

    /// Whether an event like this was heard.
    pub(super) fn heard(&self, like: impl Fn(&Event) -> bool) -> bool {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).iter().any(like)
    }
}
