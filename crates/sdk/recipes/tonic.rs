//! tonic: a gRPC channel.

use std::{error::Error, io, sync::Arc};

use hyper_util::rt::TokioIo;
use pintle_sdk::{AuthoritiesError, PerGeneration, Pintle};
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint, Uri};

/// A channel keeps its connection, and makes another where that one breaks: both under one generation of trust.
pub(crate) struct PinnedChannel {
    pintle: Pintle,
    host: String,
    port: u16,
    endpoint: Endpoint,
    channels: PerGeneration<Channel>,
}

impl PinnedChannel {
    pub(crate) fn new(pintle: Pintle, host: &str, port: u16) -> Result<Self, Box<dyn Error + Send + Sync>> {
        // `http`, since tonic is not to add a TLS of its own: the connector below knows nothing but TLS.
        let endpoint = Endpoint::from_shared(format!("http://{host}:{port}"))?;
        let endpoint = endpoint.origin(format!("https://{host}:{port}").parse()?);
        Ok(Self { pintle, host: host.to_owned(), port, endpoint, channels: PerGeneration::default() })
    }

    /// The channel of now, for one call. An error that is worth another try by `Pintle::may_try_again` is tried on the next.
    pub(crate) fn channel(&self) -> Result<Channel, AuthoritiesError> {
        self.channels.get_or_make(self.pintle.engine().generation(), || {
            let mut tls = self.pintle.tls().config()?.as_ref().clone();
            tls.alpn_protocols = vec![b"h2".to_vec()];
            let (tls, host, port) = (TlsConnector::from(Arc::new(tls)), self.host.clone(), self.port);
            let connect = move |_: Uri| {
                let (tls, host) = (tls.clone(), host.clone());
                async move {
                    let stream = TcpStream::connect((host.as_str(), port)).await?;
                    let name = ServerName::try_from(host).map_err(io::Error::other)?;
                    io::Result::Ok(TokioIo::new(tls.connect(name, stream).await?))
                }
            };
            Ok(self.endpoint.connect_with_connector_lazy(tower::service_fn(connect)))
        })
    }
}
