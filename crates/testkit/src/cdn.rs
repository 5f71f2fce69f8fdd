//! An HTTP server that answers as badly as it is told to.

use std::sync::{Arc, Mutex};

use pintle_core::crypto::sha256;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{AbortHandle, JoinSet},
};

use crate::http::{Request, read_request, write_response};

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
    /// No answer at all; the connection is closed.
    Closed,
}

/// A CDN on a loopback port, without TLS. Ends when dropped.
pub struct Cdn {
    url: String,
    shared: Arc<Shared>,
    task: AbortHandle,
}

struct Shared {
    reply: Mutex<Reply>,
    requests: watch::Sender<Vec<Request>>,
    held: watch::Sender<bool>,
}

impl Cdn {
    /// Starts one that answers with `reply`.
    pub async fn start(reply: Reply) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a loopback port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let shared = Arc::new(Shared {
            reply: Mutex::new(reply),
            requests: watch::Sender::default(),
            held: watch::Sender::new(false),
        });
        let task = tokio::spawn(accept(listener, shared.clone())).abort_handle();
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

async fn serve(mut stream: TcpStream, shared: Arc<Shared>) -> Option<()> {
    loop {
        let request = read_request(&mut stream).await?;
        let asked_for = request.header("if-none-match").map(str::to_owned);
        shared.requests.send_modify(|requests| requests.push(request));
        shared.held.subscribe().wait_for(|held| !held).await.ok()?;
        let reply = shared.reply.lock().expect("reply").clone();
        answer(&mut stream, reply, asked_for.as_deref()).await?;
    }
}

async fn answer(stream: &mut TcpStream, reply: Reply, asked_for: Option<&str>) -> Option<()> {
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
            std::future::pending().await
        }
        Reply::Closed => None,
    }
}

fn etag(bytes: &[u8]) -> String {
    let digest = sha256(bytes);
    let hex: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hex}\"")
}
