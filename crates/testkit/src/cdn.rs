//! An HTTP server that answers as badly as it is told to.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use pintle_core::crypto::sha256;
use rustls::{DEFAULT_VERSIONS, ServerConfig};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::sleep,
};
use tokio_rustls::TlsAcceptor;

use crate::{
    certificate::SiteCertificate,
    http::{Request, read_request, write_response},
    site::server_config,
};

/// Between the bytes of [`Reply::Drip`].
const DRIP_INTERVAL: Duration = Duration::from_millis(100);

/// How a [`Cdn`] answers.
#[derive(Clone, Debug)]
pub enum Reply {
    /// This file with a strong ETag, or 304 to that ETag.
    File(Vec<u8>),
    /// The same with this `Cache-Control`.
    Cached {
        /// The file.
        body: String,
        /// The header.
        cache_control: &'static str,
    },
    /// A status with these headers and no body.
    Status(u16, Vec<(&'static str, String)>),
    /// A status with a body.
    Refusal(u16, &'static str),
    /// 304, whatever was asked.
    NotModified,
    /// A body that never ends.
    Endless,
    /// A body that stops after its first byte, without an end.
    Stalled,
    /// This file, ten bytes a second.
    Drip(Vec<u8>),
    /// Connections are accepted and nothing is ever said, not even of TLS.
    Silent,
    /// No answer at all; the connection is closed.
    Closed,
}

/// A CDN on a loopback port. Ends when dropped.
pub struct Cdn {
    url: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    /// What it shows, if it speaks TLS.
    tls: watch::Sender<Option<Arc<ServerConfig>>>,
    reply: Mutex<Reply>,
    requests: watch::Sender<Vec<Request>>,
    held: watch::Sender<bool>,
}

impl Cdn {
    /// Starts one that answers with `reply`, without TLS.
    pub async fn start(reply: Reply) -> Self {
        Self::start_with("http", None, reply).await
    }

    /// Starts one that speaks TLS, and shows `certificate`, which should be for `127.0.0.1`.
    pub async fn start_tls(certificate: &SiteCertificate, reply: Reply) -> Self {
        Self::start_with("https", Some(server_config(certificate, DEFAULT_VERSIONS)), reply).await
    }

    async fn start_with(scheme: &str, tls: Option<Arc<ServerConfig>>, reply: Reply) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a loopback port");
        let url = format!("{scheme}://{}", listener.local_addr().expect("an address"));
        let shared = Arc::new(Shared {
            tls: watch::Sender::new(tls),
            reply: Mutex::new(reply),
            requests: watch::Sender::default(),
            held: watch::Sender::new(false),
        });
        let task = tokio::spawn(accept(listener, shared.clone()));
        Self { url, shared, task }
    }

    /// Its base URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Answers with `reply` from now on.
    pub fn set(&self, reply: Reply) {
        *self.shared.reply.lock().expect("reply") = reply;
    }

    /// Ends every connection, and shows `certificate` to those that come.
    pub fn show(&self, certificate: &SiteCertificate) {
        self.shared.tls.send_replace(Some(server_config(certificate, DEFAULT_VERSIONS)));
    }

    /// Ends: once this returns, connections are refused.
    pub async fn stop(mut self) {
        self.task.abort();
        // An error is what an aborted task ends with.
        let _aborted = (&mut self.task).await;
    }

    /// Keeps requests waiting, or lets those that wait go on.
    pub fn hold(&self, held: bool) {
        self.shared.held.send_replace(held);
    }

    /// Every request so far.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.shared.requests.borrow().clone()
    }

    /// Resolves once `count` requests have arrived in all.
    pub async fn wait_for_requests(&self, count: usize) {
        self.shared.requests.subscribe().wait_for(|requests| requests.len() >= count).await.expect("the server lives");
    }
}

impl Drop for Cdn {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // Dropped with this task, and its connections with it.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(serve(stream, shared.clone()));
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) -> Option<()> {
    if matches!(*shared.reply.lock().expect("reply"), Reply::Silent) {
        return std::future::pending().await;
    }
    let mut tls = shared.tls.subscribe();
    let Some(config) = tls.borrow_and_update().clone() else { return converse(stream, &shared).await };
    let stream = TlsAcceptor::from(config).accept(stream).await.ok()?;
    tokio::select! {
        ended = converse(stream, &shared) => ended,
        _ = tls.changed() => None,
    }
}

async fn converse(mut stream: impl AsyncRead + AsyncWrite + Unpin, shared: &Shared) -> Option<()> {
    loop {
        let request = read_request(&mut stream).await?;
        let asked_for = request.header("if-none-match").map(str::to_owned);
        shared.requests.send_modify(|requests| requests.push(request));
        shared.held.subscribe().wait_for(|held| !held).await.ok()?;
        let reply = shared.reply.lock().expect("reply").clone();
        answer(&mut stream, reply, asked_for.as_deref()).await?;
    }
}

async fn answer(stream: &mut (impl AsyncWrite + Unpin), reply: Reply, asked_for: Option<&str>) -> Option<()> {
    match reply {
        Reply::File(bytes) => {
            let etag = etag(&bytes);
            if asked_for == Some(&etag) {
                return write_response(stream, 304, &[("etag", &etag)], b"").await;
            }
            write_response(stream, 200, &[("etag", &etag), ("content-type", "application/jose")], &bytes).await
        }
        Reply::Cached { body, cache_control } => {
            let etag = etag(body.as_bytes());
            let headers = [("etag", etag.as_str()), ("cache-control", cache_control)];
            if asked_for == Some(&etag) {
                return write_response(stream, 304, &headers, b"").await;
            }
            write_response(stream, 200, &headers, body.as_bytes()).await
        }
        Reply::Status(status, headers) => {
            let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            write_response(stream, status, &headers, b"").await
        }
        Reply::Refusal(status, body) => write_response(stream, status, &[], body.as_bytes()).await,
        Reply::NotModified => write_response(stream, 304, &[], b"").await,
        Reply::Endless => {
            stream.write_all(b"HTTP/1.1 200 x\r\n\r\n").await.ok()?;
            loop {
                stream.write_all(&[b'A'; 16 * 1024]).await.ok()?;
            }
        }
        Reply::Stalled => {
            stream.write_all(b"HTTP/1.1 200 x\r\ncontent-length: 2\r\n\r\nA").await.ok()?;
            stream.flush().await.ok()?;
            std::future::pending().await
        }
        Reply::Drip(bytes) => {
            stream
                .write_all(format!("HTTP/1.1 200 x\r\ncontent-length: {}\r\n\r\n", bytes.len()).as_bytes())
                .await
                .ok()?;
            for byte in bytes {
                stream.write_all(&[byte]).await.ok()?;
                stream.flush().await.ok()?;
                sleep(DRIP_INTERVAL).await;
            }
            Some(())
        }
        Reply::Silent => std::future::pending().await,
        Reply::Closed => None,
    }
}

fn etag(bytes: &[u8]) -> String {
    let digest = sha256(bytes);
    let hex: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hex}\"")
}
