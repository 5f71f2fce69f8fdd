//! Accepting connections: what `axum::serve` does, with bounds on what a hostile client can hold.

use std::{io, pin::pin, sync::Arc, time::Duration};

use axum::Router;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};

/// Bounds, each with what it stands against.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// Clients that send a request head byte by byte, or open a connection and stay silent.
    pub(crate) head_timeout: Duration,
    /// Clients that open connections until no file descriptor is left.
    pub(crate) connections: usize,
    /// Clients that keep the server from stopping.
    pub(crate) drain_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { head_timeout: Duration::from_secs(30), connections: 4096, drain_timeout: Duration::from_secs(10) }
    }
}

/// After an error such as "too many open files": time for connections to end.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `shutdown` completes, then lets requests that have begun finish.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    limits: &Limits,
    shutdown: impl Future<Output = ()> + Send,
) {
    // HTTP/1.1 alone: telling HTTP/2 apart means to wait for bytes without a time-out, and whoever terminates TLS in
    // front of this server speaks HTTP/2 to clients.
    let mut builder = Builder::new(TokioExecutor::new()).http1_only();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(limits.head_timeout);
    let service = TowerToHyperService::new(router);
    let connections = GracefulShutdown::new();
    let slots = Arc::new(Semaphore::new(limits.connections));
    let mut shutdown = pin!(shutdown);
    loop {
        let (stream, slot) = tokio::select! {
            accepted = accept(&listener, &slots) => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
            () = &mut shutdown => break,
        };
        let connection = builder.serve_connection(TokioIo::new(stream), service.clone()).into_owned();
        let connection = connections.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error, "a connection ended early");
            }
            drop(slot);
        });
    }
    drop(listener);
    tracing::info!("stopping");
    if tokio::time::timeout(limits.drain_timeout, connections.shutdown()).await.is_err() {
        tracing::warn!("some requests did not finish in time");
    }
}

async fn accept(listener: &TcpListener, slots: &Arc<Semaphore>) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let slot = Arc::clone(slots).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    Ok((stream, slot))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;
    use std::net::SocketAddr;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        sync::oneshot,
        task::JoinHandle,
    };

    async fn start(router: Router, limits: Limits) -> (SocketAddr, oneshot::Sender<()>, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move { serve(listener, router, &limits, async { drop(stopped.await) }).await });
        (address, stop, task)
    }

    async fn read_all(mut stream: TcpStream) -> String {
        let mut answer = Vec::new();
        tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await.unwrap().unwrap();
        String::from_utf8(answer).unwrap()
    }

    #[tokio::test]
    async fn a_client_that_does_not_finish_its_head_is_dropped() {
        let limits = Limits { head_timeout: Duration::from_millis(50), ..Limits::default() };
        let (address, _stop, _task) = start(Router::new(), limits).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nx-slow: ").await.unwrap();
        assert!(!read_all(stream).await.contains("200"));
    }

    #[tokio::test]
    async fn a_client_too_many_waits_for_its_turn() {
        let limits = Limits { connections: 1, head_timeout: Duration::from_millis(50), ..Limits::default() };
        let (address, _stop, _task) = start(Router::new().route("/", get(async || "here")), limits).await;
        let _silent = TcpStream::connect(address).await.unwrap();
        let mut second = TcpStream::connect(address).await.unwrap();
        second.write_all(b"GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await.unwrap();
        assert!(read_all(second).await.ends_with("here"));
    }

    #[tokio::test]
    async fn a_request_that_has_begun_is_answered_before_the_server_stops() {
        let (begun, has_begun) = oneshot::channel::<()>();
        let (go_on, may_go_on) = oneshot::channel::<()>();
        let once = Arc::new(std::sync::Mutex::new(Some((begun, may_go_on))));
        let route = get(async move || {
            let (begun, may_go_on) = once.lock().unwrap().take().unwrap();
            begun.send(()).unwrap();
            may_go_on.await.unwrap();
            "finished"
        });
        let (address, stop, task) = start(Router::new().route("/", route), Limits::default()).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
        has_begun.await.unwrap();
        stop.send(()).unwrap();
        go_on.send(()).unwrap();
        assert!(read_all(stream).await.ends_with("finished"));
        task.await.unwrap();
    }
}
