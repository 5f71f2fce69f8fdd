//! An HTTPS server that counts what reaches it.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use rustls::{DEFAULT_VERSIONS, HandshakeKind, ServerConfig, SupportedProtocolVersion, crypto::ring, version::TLS12};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{AbortHandle, JoinSet},
};
use tokio_rustls::TlsAcceptor;

use crate::{
    certificate::SiteCertificate,
    http::{Request, read_request, write_response},
};

/// What reached a [`Site`] so far.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// TCP connections accepted.
    pub connections: usize,
    /// Handshakes that ended well, from the server's side.
    pub handshakes: usize,
    /// Those of them that resumed an earlier session.
    pub resumed: usize,
    /// Requests, whole.
    pub requests: Vec<Request>,
}

/// An HTTPS server on a loopback port: answers every request with 200 and `ok` unless told otherwise, keeps connections
/// open, lets sessions be resumed. Ends when dropped.
pub struct Site {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: AbortHandle,
}

struct Shared {
    config: Mutex<Arc<ServerConfig>>,
    seen: watch::Sender<Seen>,
    redirect: Mutex<Option<String>>,
    held: watch::Sender<bool>,
}

impl Site {
    /// Starts a server that shows `certificate`.
    pub async fn start(certificate: &SiteCertificate) -> Self {
        Self::start_with(certificate, DEFAULT_VERSIONS).await
    }

    /// Starts a server that speaks TLS 1.2 only.
    pub async fn start_tls12(certificate: &SiteCertificate) -> Self {
        Self::start_with(certificate, &[&TLS12]).await
    }

    async fn start_with(certificate: &SiteCertificate, versions: &[&'static SupportedProtocolVersion]) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a loopback port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            config: Mutex::new(server_config(certificate, versions)),
            seen: watch::Sender::default(),
            redirect: Mutex::default(),
            held: watch::Sender::new(false),
        });
        let task = tokio::spawn(accept(listener, shared.clone())).abort_handle();
        Self { address, shared, task }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Redirects every request to `url` from now on.
    pub fn redirect_to(&self, url: String) {
        *self.shared.redirect.lock().expect("redirect") = Some(url);
    }

    /// Keeps requests waiting, or lets those that wait go on.
    pub fn hold(&self, held: bool) {
        self.shared.held.send_replace(held);
    }

    /// Resolves once `count` requests have arrived in all.
    pub async fn wait_for_requests(&self, count: usize) {
        self.shared.seen.subscribe().wait_for(|seen| seen.requests.len() >= count).await.expect("the server lives");
    }

    /// Shows `certificate` from the next connection on, over TLS 1.2 or 1.3, and resumes no earlier session.
    pub fn swap(&self, certificate: &SiteCertificate) {
        *self.shared.config.lock().expect("config") = server_config(certificate, DEFAULT_VERSIONS);
    }

    /// What reached it so far.
    #[must_use]
    pub fn seen(&self) -> Seen {
        self.shared.seen.borrow().clone()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) fn server_config(
    certificate: &SiteCertificate,
    versions: &[&'static SupportedProtocolVersion],
) -> Arc<ServerConfig> {
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .expect("protocol versions")
        .with_no_client_auth()
        .with_single_cert(certificate.chain.clone(), certificate.key.clone_key())
        .expect("a certificate and its key");
    Arc::new(config)
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // Dropped with this task, and its connections with it.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        shared.seen.send_modify(|seen| seen.connections += 1);
        // A task that is over keeps its memory until it is joined.
        while connections.try_join_next().is_some() {}
        connections.spawn(serve(stream, shared.clone()));
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) -> Option<()> {
    let config = shared.config.lock().expect("config").clone();
    let mut stream = TlsAcceptor::from(config).accept(stream).await.ok()?;
    let resumed = stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed);
    shared.seen.send_modify(|seen| {
        seen.handshakes += 1;
        seen.resumed += usize::from(resumed);
    });
    loop {
        let request = read_request(&mut stream).await?;
        shared.seen.send_modify(|seen| seen.requests.push(request));
        shared.held.subscribe().wait_for(|held| !held).await.ok()?;
        let redirect = shared.redirect.lock().expect("redirect").clone();
        match redirect {
            Some(url) => write_response(&mut stream, 307, &[("location", &url)], b"").await?,
            None => write_response(&mut stream, 200, &[], b"ok").await?,
        }
    }
}
