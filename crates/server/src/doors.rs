//! The listeners of a server: one for everything, or several that do without each other.

use std::{net::SocketAddr, sync::Arc};

use tokio::{net::TcpListener, sync::watch, task::JoinSet};

use crate::{
    ServerConfig, ServerError,
    app::{self, App, Room},
    listen::{self, Door, Identity, Limits, acceptor},
};

/// Whoever reads metrics needs few connections.
const METRICS_CONNECTIONS: usize = 64;

type Bound = (TcpListener, SocketAddr);

/// Listeners whose addresses are taken and that nobody serves yet.
pub(crate) struct Doors {
    pub(crate) main: Bound,
    cdn: Option<Bound>,
    pages: Option<Bound>,
    metrics: Option<Bound>,
}

impl Doors {
    pub(crate) async fn bind(config: &ServerConfig) -> Result<Self, ServerError> {
        Ok(Self {
            main: bind(config.listen).await?,
            cdn: bind_if_set(config.cdn_listen).await?,
            pages: bind_if_set(config.pages.listen.filter(|_| config.pages.enabled)).await?,
            metrics: bind_if_set(config.metrics_listen).await?,
        })
    }

    pub(crate) fn cdn_address(&self) -> Option<SocketAddr> {
        self.cdn.as_ref().map(|(_, address)| *address)
    }

    pub(crate) fn pages_address(&self) -> Option<SocketAddr> {
        self.pages.as_ref().map(|(_, address)| *address)
    }

    pub(crate) fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().map(|(_, address)| *address)
    }

    /// Serves each in a task of its own until `closing` says so: a listener that is full or fails is its own trouble.
    pub(crate) fn open(
        self,
        app: &App,
        config: &ServerConfig,
        identity: Option<&Arc<Identity>>,
        closing: &watch::Receiver<bool>,
    ) -> Result<JoinSet<()>, ServerError> {
        let tls = identity.map(|identity| acceptor(Arc::clone(identity))).transpose()?;
        let limits = Limits {
            connections: config.http.connections,
            connections_per_client: config.http.connections_per_client,
            drain_timeout: config.stop.timeout,
            ..Limits::default()
        };
        let few = Limits { connections: METRICS_CONNECTIONS, ..limits };
        let mut in_main = vec![Room::Api];
        if self.cdn.is_none() {
            in_main.push(Room::Cdn);
        }
        if config.pages.enabled && self.pages.is_none() {
            in_main.push(Room::Pages);
        }
        // Metrics go to monitoring on the same machine or network, which has no certificate to check.
        let doors = [
            ("main", Some(self.main), in_main.as_slice(), tls.clone(), limits),
            ("cdn", self.cdn, &[Room::Cdn], tls.clone(), limits),
            ("pages", self.pages, &[Room::Pages], tls, limits),
            ("metrics", self.metrics, &[Room::Metrics], None, few),
        ];
        let mut tasks = JoinSet::new();
        for (name, bound, rooms, tls, limits) in doors {
            let Some((listener, address)) = bound else { continue };
            tracing::info!(listener = name, server.address = %address, tls = tls.is_some(), "listening");
            let (router, clients) = (app::router(app.clone(), rooms), Arc::clone(&app.clients));
            let open = app.metrics.connections(name);
            let mut closing = closing.clone();
            let door = Door { name, listener, router, tls, clients, limits, open };
            tasks.spawn(listen::serve(door, async move { drop(closing.wait_for(|closing| *closing).await) }));
        }
        if let Some(identity) = identity {
            let (watch, mut closing) = (Arc::clone(identity).watch(), closing.clone());
            tasks.spawn(async move {
                tokio::select! {
                    () = watch => {}
                    _ = closing.wait_for(|closing| *closing) => {}
                }
            });
        }
        Ok(tasks)
    }
}

async fn bind(address: SocketAddr) -> Result<Bound, ServerError> {
    let refused = |source| ServerError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    Ok((listener, address))
}

async fn bind_if_set(address: Option<SocketAddr>) -> Result<Option<Bound>, ServerError> {
    match address {
        Some(address) => bind(address).await.map(Some),
        None => Ok(None),
    }
}
