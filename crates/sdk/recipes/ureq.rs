//! ureq, and with it whatever blocks: no tokio in it. Configurations are fetched by an agent of its own, which nothing pins.

use std::{
    error::Error,
    fmt,
    io::{Read, Write},
    sync::Arc,
    time::Duration,
};

use pintle_core::Code;
use pintle_sdk::{
    Answer, Authorities, AuthoritiesError, Fetch, FetchError, Installation, PerGeneration, Setup, SystemEnvironment,
    rustls::{PinnedTls, Refusal, Verifier},
    user_agent,
};
use rustls::{ClientConfig, ClientConnection, StreamOwned, crypto::ring};
use rustls_pki_types::ServerName;
use ureq::{
    Agent, Body,
    http::Response,
    tls::TlsConfig,
    unversioned::{
        resolver::DefaultResolver,
        transport::{
            Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, TcpConnector, Transport, TransportAdapter,
        },
    },
};

type Failed = Box<dyn Error + Send + Sync>;

/// Pinning that threads drive, and agents whose connections end with the trust they were decided under.
pub(crate) struct PinnedAgent {
    installation: Installation,
    tls: PinnedTls,
    agents: PerGeneration<Agent>,
}

impl PinnedAgent {
    /// Blocks until a configuration is in force, half a minute at most.
    pub(crate) fn set_up(setup: Setup, authorities: &Authorities) -> Result<Self, Failed> {
        let environment = Arc::new(SystemEnvironment::default());
        let installation = Installation::start(setup, environment, Vec::new(), || ());
        let plain = plain_agent();
        installation.spawn_refresher(Arc::new(move |fetch: &Fetch| answer(&plain, fetch)))?;
        installation.wait_until_ready(Duration::from_secs(30))?;
        let engine = installation.engine().clone();
        let tls = PinnedTls::new(engine.clone(), Arc::new(Verifier::new(engine, authorities)?));
        Ok(Self { installation, tls, agents: PerGeneration::default() })
    }

    pub(crate) fn installation(&self) -> &Installation {
        &self.installation
    }

    fn agent(&self) -> Result<Agent, AuthoritiesError> {
        self.agents.get_or_make(self.installation.engine().generation(), || {
            let mut tls = self.tls.config()?.as_ref().clone();
            tls.alpn_protocols.clear();
            let connector = ().chain(TcpConnector::default()).chain(PinnedConnector(Arc::new(tls)));
            let config = Agent::config_builder().https_only(true).proxy(None).http_status_as_error(false).build();
            Ok(Agent::with_parts(config, connector, DefaultResolver::default()))
        })
    }

    pub(crate) fn get(&self, url: &str) -> Result<Response<Body>, Failed> {
        match self.agent()?.get(url).call() {
            Err(error) if refusal(&error).is_some_and(|refusal| refusal.code == Code::RetryAfterRefresh) => {
                self.installation.wait_for_forced_refresh();
                Ok(self.agent()?.get(url).call()?)
            }
            answer => Ok(answer?),
        }
    }
}

/// ureq's error names no cause of its own.
pub(crate) fn refusal(error: &ureq::Error) -> Option<&Refusal> {
    match error {
        ureq::Error::Io(error) => Refusal::find(error),
        _ => None,
    }
}

fn plain_agent() -> Agent {
    let provider = Arc::new(ring::default_provider());
    let tls = TlsConfig::builder().unversioned_rustls_crypto_provider(provider).build();
    let builder = Agent::config_builder().tls_config(tls).max_redirects(0).http_status_as_error(false);
    builder.user_agent(user_agent("rust")).build().into()
}

fn answer(agent: &Agent, fetch: &Fetch) -> Answer {
    let failed = |error: ureq::Error| Answer::Failed(FetchError::Transport(error.to_string()));
    let mut request = agent.get(&fetch.url).config().timeout_global(Some(fetch.timeout)).build();
    request = request.header("Accept-Encoding", "identity");
    if let Some(etag) = &fetch.etag {
        request = request.header("If-None-Match", etag);
    }
    if fetch.no_cache {
        request = request.header("Cache-Control", "no-cache");
    }
    let mut response = match request.call() {
        Ok(response) => response,
        Err(error) => return failed(error),
    };
    let header = |name: &str| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
    let (etag, retry_after) = (header("ETag"), header("Retry-After"));
    let limit = u64::try_from(fetch.max_bytes).unwrap_or(u64::MAX);
    match response.body_mut().with_config().limit(limit).read_to_vec() {
        Ok(body) => Answer::from_http(response.status().as_u16(), etag, retry_after.as_deref(), body),
        Err(error) => failed(error),
    }
}

/// TLS by a configuration of ours, in place of the one ureq would make.
struct PinnedConnector(Arc<ClientConfig>);

impl<In: Transport> Connector<In> for PinnedConnector {
    type Out = PinnedTransport;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<PinnedTransport>, ureq::Error> {
        let name = details.uri.host().map(|host| host.trim_matches(['[', ']']).to_owned());
        let name = name.and_then(|host| ServerName::try_from(host).ok());
        let (Some(chained), Some(name), true) = (chained, name, details.needs_tls()) else {
            return Err(ureq::Error::Tls("only https, to a host with a name"));
        };
        let mut connection = ClientConnection::new(self.0.clone(), name)?;
        let mut socket = TransportAdapter::new(chained.boxed(), details.current_time.clone());
        socket.set_timeout(details.timeout);
        // A refusal stays in the error.
        connection.complete_io(&mut socket)?;
        let buffers = LazyBuffers::new(details.config.input_buffer_size(), details.config.output_buffer_size());
        Ok(Some(PinnedTransport { buffers, stream: StreamOwned::new(connection, socket) }))
    }
}

impl fmt::Debug for PinnedConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PinnedConnector")
    }
}

struct PinnedTransport {
    buffers: LazyBuffers,
    stream: StreamOwned<ClientConnection, TransportAdapter>,
}

impl Transport for PinnedTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.stream.get_mut().set_timeout(timeout);
        let output = self.buffers.output();
        self.stream.write_all(output.get(..amount).unwrap_or(output))?;
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.stream.get_mut().set_timeout(timeout);
        let amount = self.stream.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        self.stream.get_mut().get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}

impl fmt::Debug for PinnedTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PinnedTransport")
    }
}
