//! The one HTTP client of this crate.

use std::{sync::Arc, time::Duration};

use reqwest::{Client, redirect::Policy};
use rustls_platform_verifier::BuilderVerifierExt as _;

/// A whole answer may take this long. Files are small; who needs longer is as good as gone, and the next attempt comes.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HttpClientError {
    /// This machine's CA store cannot be used.
    #[error("the CA store of this machine cannot be used: {0}")]
    Tls(#[from] rustls::Error),
    /// The client cannot be made.
    #[error(transparent)]
    Client(#[from] reqwest::Error),
}

/// It verifies TLS against the platform's CA store, follows no redirects and waits within bounds.
pub(crate) fn make_http() -> Result<Client, HttpClientError> {
    let tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_platform_verifier())?
        .with_no_client_auth();
    Ok(Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TIMEOUT)
        .user_agent(concat!("pintle-publish/", env!("CARGO_PKG_VERSION")))
        .build()?)
}
