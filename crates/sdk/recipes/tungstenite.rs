//! tokio-tungstenite: a WebSocket over a pinned connection.

use std::{io, net::SocketAddr};

use pintle_sdk::Pintle;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{self, client::IntoClientRequest},
};

/// Opens one. It lives as long as it likes: whoever keeps it open compares `Engine::generation` now and then, and opens
/// another when trust has changed.
pub(crate) async fn open_pinned(
    pintle: &Pintle,
    host: &str,
    address: SocketAddr,
    request: impl IntoClientRequest + Unpin,
) -> Result<WebSocketStream<TlsStream<TcpStream>>, tungstenite::Error> {
    let stream = match connect(pintle, host, address).await {
        Err(error) if pintle.may_try_again(&error).await => connect(pintle, host, address).await?,
        stream => stream?,
    };
    Ok(client_async(request, stream).await?.0)
}

async fn connect(pintle: &Pintle, host: &str, address: SocketAddr) -> io::Result<TlsStream<TcpStream>> {
    let mut tls = pintle.tls().config().map_err(io::Error::other)?.as_ref().clone();
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    TlsConnector::from(std::sync::Arc::new(tls)).connect(name, TcpStream::connect(address).await?).await
}
