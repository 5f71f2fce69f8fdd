//! Accepting connections: what `axum::serve` does, with bounds on what a hostile client can hold, and with TLS.

mod slots;
mod tls;

use std::{
    io,
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use axum::{Router, body::Body, http::Request};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{
        conn::auto::Builder,
        graceful::{GracefulShutdown, Watcher},
    },
    service::TowerToHyperService,
};
use prometheus_client::metrics::gauge::Gauge;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;
use tower::{ServiceExt as _, service_fn};

use self::slots::{Slot, Slots};
pub use self::tls::TlsError;
pub(crate) use self::tls::{Identity, acceptor};
use crate::client::{Clients, Peer};

/// Bounds, each with what it stands against.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Clients that open a connection and stay silent, or send a request head or TLS handshake byte by byte.
    pub(crate) head_timeout: Duration,
    /// Clients that ask for files and do not take them.
    pub(crate) write_timeout: Duration,
    /// Clients that send endless heads.
    pub(crate) head_bytes: usize,
    /// Clients that open connections until no file descriptor is left.
    pub(crate) connections: usize,
    /// One client that takes all of them.
    pub(crate) connections_per_client: usize,
    /// Clients that keep the server from stopping.
    pub(crate) drain_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            head_bytes: 64 * 1024,
            connections: 4096,
            connections_per_client: 1024,
            drain_timeout: Duration::from_secs(10),
        }
    }
}

/// After an error such as "too many open files": time for connections to end.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A listener and what is behind it.
pub(crate) struct Door {
    /// For the log.
    pub(crate) name: &'static str,
    pub(crate) listener: TcpListener,
    pub(crate) router: Router,
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) clients: Arc<Clients>,
    pub(crate) limits: Limits,
    /// How many connections are open.
    pub(crate) open: Gauge<u64, AtomicU64>,
}

/// Serves until `closing` completes, then lets requests that have begun finish.
pub(crate) async fn serve(door: Door, closing: impl Future<Output = ()> + Send) {
    let Door { name, listener, limits, .. } = door;
    let connection = Connection { router: door.router, tls: door.tls, limits };
    let slots = Slots::new(limits.connections, limits.connections_per_client, door.open);
    let connections = GracefulShutdown::new();
    let mut closing = pin!(closing);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &slots, &door.clients) => accepted,
            () = &mut closing => break,
        };
        match accepted {
            Ok(Some((stream, address, slot))) => {
                let (connection, watcher) = (connection.clone(), connections.watcher());
                tokio::spawn(async move {
                    connection.serve(stream, address, watcher).await;
                    drop(slot);
                });
            }
            Ok(None) => tracing::debug!(listener = name, "a client has too many connections; one was closed"),
            Err(error) => {
                tracing::warn!(listener = name, %error, "a connection was not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    if timeout(limits.drain_timeout, connections.shutdown()).await.is_err() {
        tracing::warn!(listener = name, "some requests did not finish in time");
    }
}

/// The next connection; `None` stands for one that was closed because its client has enough of them.
async fn accept(
    listener: &TcpListener,
    slots: &Arc<Slots>,
    clients: &Clients,
) -> io::Result<Option<(TcpStream, IpAddr, Slot)>> {
    let place = slots.wait().await.ok_or_else(|| io::Error::other("the listener is closed"))?;
    let (stream, address) = listener.accept().await?;
    let address: IpAddr = SocketAddr::ip(&address).to_canonical();
    let client = (!clients.is_proxy(address)).then(|| clients.address_key(address));
    Ok(slots.take(place, client).map(|slot| (stream, address, slot)))
}

/// How connections of one listener are served.
#[derive(Clone)]
struct Connection {
    router: Router,
    tls: Option<TlsAcceptor>,
    limits: Limits,
}

impl Connection {
    async fn serve(&self, stream: TcpStream, address: IpAddr, watcher: Watcher) {
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(self.limits.write_timeout));
        let stream = Box::pin(stream);
        let Some(tls) = &self.tls else { return self.serve_http(stream, address, watcher).await };
        match timeout(self.limits.head_timeout, tls.accept(stream)).await {
            Ok(Ok(stream)) => self.serve_http(stream, address, watcher).await,
            Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
            Err(_) => tracing::debug!("a TLS handshake took too long"),
        }
    }

    async fn serve_http<S>(&self, stream: S, address: IpAddr, watcher: Watcher)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        // HTTP/1.1 alone. What is served are small answers on few connections, so that HTTP/2 would gain little, and it
        // would bring connections without idle time-out and a history of floods (rapid reset, continuation).
        let mut builder = Builder::new(TokioExecutor::new()).http1_only();
        let http1 = &mut builder.http1();
        http1
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.head_timeout)
            .max_buf_size(self.limits.head_bytes);
        let router = self.router.clone();
        let service = service_fn(move |mut request: Request<_>| {
            request.extensions_mut().insert(Peer(address));
            router.clone().oneshot(request.map(Body::new))
        });
        let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service)).into_owned();
        if let Err(error) = watcher.watch(connection).await {
            tracing::debug!(error, "a connection ended early");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ProxyConfig;
    use axum::routing::get;
    use std::net::SocketAddr;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        sync::oneshot,
        task::JoinHandle,
    };

    async fn start(router: Router, limits: Limits) -> (SocketAddr, oneshot::Sender<()>, JoinHandle<()>) {
        start_with(router, limits, None).await
    }

    async fn start_with(
        router: Router,
        limits: Limits,
        tls: Option<TlsAcceptor>,
    ) -> (SocketAddr, oneshot::Sender<()>, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let clients = Arc::new(Clients::new(ProxyConfig::default()));
        let door = Door { name: "test", listener, router, tls, clients, limits, open: Gauge::default() };
        let task = tokio::spawn(serve(door, async { drop(stopped.await) }));
        (address, stop, task)
    }

    async fn read_all(mut stream: TcpStream) -> String {
        let mut answer = Vec::new();
        timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await.unwrap().unwrap();
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
    async fn a_client_that_does_not_take_its_answer_loses_its_place() {
        let short = Duration::from_millis(50);
        let limits = Limits { connections: 1, write_timeout: short, ..Limits::default() };
        let endless = get(async || vec![0_u8; 64 * 1024 * 1024]);
        let router = Router::new().route("/endless", endless).route("/", get(async || "here"));
        let (address, _stop, _task) = start(router, limits).await;
        let mut greedy = TcpStream::connect(address).await.unwrap();
        greedy.write_all(b"GET /endless HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
        greedy.readable().await.unwrap();
        let mut second = TcpStream::connect(address).await.unwrap();
        second.write_all(b"GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await.unwrap();
        assert!(read_all(second).await.ends_with("here"));
    }

    #[tokio::test]
    async fn a_client_that_does_not_finish_its_handshake_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let tls = acceptor(Arc::new(Identity::load(&certificate, &key).unwrap())).unwrap();
        let limits = Limits { head_timeout: Duration::from_millis(50), ..Limits::default() };
        let (address, _stop, _task) = start_with(Router::new(), limits, Some(tls)).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        // The beginning of a record, whose rest never comes.
        stream.write_all(&[0x16, 0x03, 0x01, 0x02]).await.unwrap();
        assert_eq!(read_all(stream).await, "");
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
