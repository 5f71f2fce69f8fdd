use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use pintle_core::{Code, HostName};
use reqwest::{ClientBuilder, IntoUrl, Method, Request, Response, Url, redirect::Policy};

use crate::{Engine, Error, Pintle, rustls::Refusal};

/// A reqwest client all of whose connections are pinned.
///
/// Connections, pooled or resumed, end with the trust they were decided under: when it changes, the next request goes
/// out through a new client. A refusal that news might cure waits for them and connects once more. Only `https` URLs.
///
/// Clones share their connections.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    pintle: Pintle,
    configure: Box<dyn Fn(ClientBuilder) -> ClientBuilder + Send + Sync>,
    current: Mutex<(u64, reqwest::Client)>,
}

impl Pintle {
    /// A client with reqwest's defaults.
    pub fn client(&self) -> Result<Client, Error> {
        self.client_with(|builder| builder)
    }

    /// A client built as `configure` says: called again for every generation of trust. Whatever it says of TLS is
    /// overruled. A redirect policy of its own may reach connections decided before trust changed.
    pub fn client_with(
        &self,
        configure: impl Fn(ClientBuilder) -> ClientBuilder + Send + Sync + 'static,
    ) -> Result<Client, Error> {
        let generation = self.engine().generation();
        let first = build(self, &configure, generation)?;
        let current = Mutex::new((generation, first));
        Ok(Client { inner: Arc::new(Inner { pintle: self.clone(), configure: Box::new(configure), current }) })
    }
}

fn build(
    pintle: &Pintle,
    configure: &dyn Fn(ClientBuilder) -> ClientBuilder,
    generation: u64,
) -> Result<reqwest::Client, Error> {
    let tls = rustls::ClientConfig::clone(&*pintle.tls().config_of(generation)?);
    let builder = reqwest::Client::builder().redirect(redirect_within(pintle.engine().clone(), generation));
    // A request without TLS would pass every pin by.
    Ok(configure(builder).https_only(true).tls_backend_preconfigured(tls).build()?)
}

/// A redirect is a request of its own, and this client's connections end with its generation (P-4.10).
fn redirect_within(engine: Engine, generation: u64) -> Policy {
    let as_usual = Policy::default();
    Policy::custom(move |attempt| {
        if engine.generation() == generation {
            return as_usual.redirect(attempt);
        }
        let host = attempt.url().host_str().unwrap_or_default().to_owned();
        attempt.error(Refusal { host, code: Code::RetryAfterRefresh })
    })
}

impl Client {
    /// A GET of `url`.
    pub fn get(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::GET, url)
    }

    /// A POST to `url`.
    pub fn post(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::POST, url)
    }

    /// A request of any method.
    pub fn request(&self, method: Method, url: impl IntoUrl) -> RequestBuilder {
        let current = self.inner.current.lock().unwrap_or_else(PoisonError::into_inner).1.clone();
        RequestBuilder { client: self.clone(), request: current.request(method, url) }
    }

    /// Sends `request`. One that cannot be sent twice, because its body is a stream or because a server that redirected it
    /// has already acted on it, is refused with `retry_after_refresh` where another would connect once more.
    pub async fn execute(&self, request: Request) -> Result<Response, Error> {
        let again = request.try_clone();
        let (url, is_safe) = (request.url().clone(), request.method().is_safe());
        let error = match self.inner.current()?.execute(request).await {
            Ok(response) => return Ok(response),
            Err(error) => error,
        };
        let is_redirect = error.is_redirect();
        let refused = refusal_or_error(error)?;
        // Where a redirect led elsewhere, a server has had the request already: it is repeated only if that is harmless.
        let may_repeat = !is_redirect && (is_safe || is_host_of(&refused.host, &url));
        if refused.code != Code::RetryAfterRefresh || !may_repeat {
            return Err(Error::Refused(refused));
        }
        self.inner.pintle.wait_for_running_refresh().await;
        let Some(again) = again else { return Err(Error::Refused(refused)) };
        match self.inner.current()?.execute(again).await {
            Ok(response) => Ok(response),
            Err(error) => Err(refusal_or_error(error).map_or_else(|error| error, Error::Refused)),
        }
    }
}

impl Inner {
    /// The client of the present generation of trust.
    fn current(&self) -> Result<reqwest::Client, Error> {
        let generation = self.pintle.engine().generation();
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.0 != generation {
            *current = (generation, build(&self.pintle, &self.configure, generation)?);
        }
        Ok(current.1.clone())
    }
}

fn is_host_of(host: &str, url: &Url) -> bool {
    let of_url = url.host_str().and_then(|host| HostName::parse_connection(host).ok());
    of_url.is_some() && of_url == HostName::parse_connection(host).ok()
}

fn refusal_or_error(error: reqwest::Error) -> Result<Refusal, Error> {
    match Refusal::find(&error) {
        Some(refusal) => Ok(refusal.clone()),
        None => Err(Error::Http(error)),
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("pintle", &self.inner.pintle).finish_non_exhaustive()
    }
}

/// A request being put together.
#[derive(Debug)]
#[must_use]
pub struct RequestBuilder {
    client: Client,
    request: reqwest::RequestBuilder,
}

impl RequestBuilder {
    /// With headers, body or whatever else reqwest's own builder offers.
    pub fn with(self, change: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder) -> Self {
        Self { request: change(self.request), ..self }
    }

    /// Sends it.
    pub async fn send(self) -> Result<Response, Error> {
        self.client.execute(self.request.build()?).await
    }
}
