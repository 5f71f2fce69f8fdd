//! An HTTPS server that counts what reaches it.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use rustls::{HandshakeKind, ServerConfig, crypto::ring};
use tokio::{
    net::{TcpListener, TcpStream},
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

/// An HTTPS server on a loopback port: answers every request with 200 and `ok`, keeps connections open, lets sessions be
/// resumed. Ends when dropped.
pub struct Site {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: AbortHandle,
}

struct Shared {
    config: Mutex<Arc<ServerConfig>>,
    seen: Mutex<Seen>,
}

impl Site {
    /// Starts a server that shows `certificate`.
    pub async fn start(certificate: &SiteCertificate) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a loopback port");
        let address = listener.local_addr().expect("an address");
        let config = Mutex::new(server_config(certificate));
        let shared = Arc::new(Shared { config, seen: Mutex::default() });
        let task = tokio::spawn(accept(listener, shared.clone())).abort_handle();
        Self { address, shared, task }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Shows `certificate` from the next connection on, and resumes no earlier session.
    pub fn swap(&self, certificate: &SiteCertificate) {
        *self.shared.config.lock().expect("config") = server_config(certificate);
    }

    /// What reached it so far.
    #[must_use]
    pub fn seen(&self) -> Seen {
        self.shared.seen.lock().expect("seen").clone()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn server_config(certificate: &SiteCertificate) -> Arc<ServerConfig> {
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
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
        shared.seen.lock().expect("seen").connections += 1;
        connections.spawn(serve(stream, shared.clone()));
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) -> Option<()> {
    let config = shared.config.lock().expect("config").clone();
    let mut stream = TlsAcceptor::from(config).accept(stream).await.ok()?;
    let resumed = stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed);
    {
        let mut seen = shared.seen.lock().expect("seen");
        seen.handshakes += 1;
        seen.resumed += usize::from(resumed);
    }
    loop {
        let request = read_request(&mut stream).await?;
        shared.seen.lock().expect("seen").requests.push(request);
        write_response(&mut stream, 200, &[], b"ok").await?;
    }
}
