//! The demo's CDN: passes on what the origin serves, until somebody takes it over or switches it off.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, PoisonError, RwLock},
};

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::{net::TcpListener, task::JoinHandle};

/// A CDN on 127.0.0.1. Stops when dropped.
pub(super) struct Cdn {
    address: SocketAddr,
    edge: Arc<Edge>,
    task: JoinHandle<()>,
}

struct Edge {
    origin: String,
    http: reqwest::Client,
    /// What whoever took the CDN over serves instead.
    taken_over: RwLock<Option<Vec<u8>>>,
}

impl Cdn {
    /// A CDN in front of `origin`, a base URL without final slash.
    pub(super) async fn start(origin: String) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let http = reqwest::Client::builder().no_proxy().build().map_err(io::Error::other)?;
        let edge = Arc::new(Edge { origin, http, taken_over: RwLock::default() });
        let router = Router::new().route("/{*path}", get(answer)).with_state(edge.clone());
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the demo's CDN stopped");
            }
        });
        Ok(Self { address, edge, task })
    }

    /// The base URL to embed.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Serves `bytes` in place of every file.
    pub(super) fn take_over(&self, bytes: Vec<u8>) {
        self.set(Some(bytes));
    }

    /// Serves the origin's files again.
    pub(super) fn give_back(&self) {
        self.set(None);
    }

    fn set(&self, served: Option<Vec<u8>>) {
        *self.edge.taken_over.write().unwrap_or_else(PoisonError::into_inner) = served;
    }

    /// The file of the project whose `pins.jws` lies under `path`, as an app gets it now.
    pub(super) async fn fetch(&self, path: &str) -> Result<Vec<u8>, reqwest::Error> {
        let url = format!("{}/{path}", self.url());
        Ok(self.edge.http.get(url).send().await?.error_for_status()?.bytes().await?.to_vec())
    }
}

impl Drop for Cdn {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(State(edge): State<Arc<Edge>>, Path(path): Path<String>, headers: HeaderMap) -> Response {
    let taken_over = edge.taken_over.read().unwrap_or_else(PoisonError::into_inner).clone();
    match taken_over {
        Some(bytes) => bytes.into_response(),
        None => pass_on(&edge, &path, &headers).await.unwrap_or_else(|_| StatusCode::BAD_GATEWAY.into_response()),
    }
}

async fn pass_on(edge: &Edge, path: &str, headers: &HeaderMap) -> Result<Response, reqwest::Error> {
    let mut request = edge.http.get(format!("{}/{path}", edge.origin));
    if let Some(etag) = headers.get(header::IF_NONE_MATCH) {
        request = request.header(header::IF_NONE_MATCH, etag);
    }
    let response = request.send().await?;
    let status = response.status();
    let kept = [header::CONTENT_TYPE, header::CACHE_CONTROL, header::ETAG];
    let headers: HeaderMap =
        kept.into_iter().filter_map(|name| Some((name.clone(), response.headers().get(&name)?.clone()))).collect();
    Ok((status, headers, response.bytes().await?).into_response())
}
