//! hyper, by hyper-util's pooling client: HTTP/1.1 and HTTP/2.

use std::error::Error;

use http_body_util::Empty;
use hyper::{
    Request, Response, Uri,
    body::{Bytes, Incoming},
};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use pintle_sdk::{AuthoritiesError, PerGeneration, Pintle};

type Pooling = Client<HttpsConnector<HttpConnector>, Empty<Bytes>>;

/// Its connections end with the trust they were decided under.
pub(crate) struct PinnedHyper {
    pintle: Pintle,
    clients: PerGeneration<Pooling>,
}

impl PinnedHyper {
    pub(crate) fn new(pintle: Pintle) -> Self {
        Self { pintle, clients: PerGeneration::default() }
    }

    fn client(&self) -> Result<Pooling, AuthoritiesError> {
        self.clients.get_or_make(self.pintle.engine().generation(), || {
            let mut tls = self.pintle.tls().config()?.as_ref().clone();
            // The connector offers what it speaks.
            tls.alpn_protocols.clear();
            let connector =
                HttpsConnectorBuilder::new().with_tls_config(tls).https_only().enable_all_versions().build();
            Ok(Client::builder(TokioExecutor::new()).build(connector))
        })
    }

    pub(crate) async fn get(&self, uri: Uri) -> Result<Response<Incoming>, Box<dyn Error + Send + Sync>> {
        let request = Request::get(uri).body(Empty::new())?;
        match self.client()?.request(request.clone()).await {
            Err(error) if self.pintle.may_try_again(&error).await => Ok(self.client()?.request(request).await?),
            answer => Ok(answer?),
        }
    }
}
