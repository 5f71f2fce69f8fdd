//! Questions to other people's HTTP services: bounded, spaced, and not asked twice.

use std::{
    collections::HashMap,
    io::Read as _,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use flate2::read::MultiGzDecoder;
use reqwest::{
    Client, ClientBuilder, Response, StatusCode, Url,
    header::{ACCEPT_ENCODING, CONTENT_ENCODING, RETRY_AFTER},
    redirect::Policy,
};
use rustls::{ClientConfig, crypto::ring};
use rustls_platform_verifier::BuilderVerifierExt;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

use crate::{
    IoFailure,
    limits::{ANSWER_LIMIT, MAX_ANSWER_BYTES, MAX_KEPT_BYTES},
};

/// Why a service gave no usable answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WebError {
    /// This machine's CA store cannot be used.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
    /// It cannot be reached, or broke off.
    #[error("{host} cannot be reached: {reason}")]
    Transport {
        /// Who was asked.
        host: String,
        /// With the causes.
        reason: String,
    },
    /// It asks for patience.
    #[error("{host} asks to wait {wait_secs} seconds before the next question")]
    Busy {
        /// Who was asked.
        host: String,
        /// From now on.
        wait_secs: u64,
    },
    /// Neither an answer nor a request for patience; a redirect is not followed.
    #[error("{host} answers with status {status}")]
    Status {
        /// Who was asked.
        host: String,
        /// Of HTTP.
        status: u16,
    },
    /// More than is read.
    #[error("{host} answers with more than {limit_bytes} bytes")]
    TooLarge {
        /// Who was asked.
        host: String,
        /// What is read at most.
        limit_bytes: usize,
    },
    /// Compressed in a way that was not asked for, or broken.
    #[error("{host} answers with a body that cannot be decompressed: {error}")]
    Encoding {
        /// Who was asked.
        host: String,
        /// Why.
        error: IoFailure,
    },
}

/// A source that asks for less than this is waited for, once.
const PATIENCE: Duration = Duration::from_secs(10);
/// A source that asks for more is asked again after this: a number with too many digits ends no asking.
const LONGEST_WAIT: Duration = Duration::from_secs(6 * 3600);
/// What a busy source that does not say how long is left alone for.
const UNSAID_WAIT: Duration = Duration::from_secs(60);
/// Between two questions to one host, unless said otherwise.
const SPACING: Duration = Duration::from_millis(250);

/// Asks on behalf of any number of searches: it says who asks, follows no redirect, verifies TLS against the platform's CA store,
/// leaves a pause between two questions to one host, keeps away for as long as a host asks, and keeps answers.
#[derive(Clone, Debug)]
pub struct WebClient {
    client: Client,
    spacing: Duration,
    memory: Arc<Mutex<Memory>>,
}

#[derive(Debug, Default)]
struct Memory {
    /// When each host may be asked again.
    turns: HashMap<String, Instant>,
    kept: HashMap<Url, (Instant, Arc<[u8]>)>,
}

/// One question.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    pub(crate) url: Url,
    pub(crate) token: Option<&'a SecretString>,
    /// How long the answer is as good as a new one.
    pub(crate) keep: Duration,
}

impl WebClient {
    /// See [`WebClient`].
    ///
    /// # Errors
    /// [`WebError::Tls`].
    pub fn new() -> Result<Self, WebError> {
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_platform_verifier())
            .map_err(|error| WebError::Tls(error.to_string()))?
            .with_no_client_auth();
        let client = polite(Client::builder()).tls_backend_preconfigured(tls).build();
        let client = client.map_err(|error| WebError::Tls(with_causes(&error)))?;
        Ok(Self { client, spacing: SPACING, memory: Arc::default() })
    }

    /// Another pause between two questions to one host.
    #[must_use]
    pub fn with_spacing(self, spacing: Duration) -> Self {
        Self { spacing, ..self }
    }

    /// One answer, whole and bounded: one that is kept, or a new one when the host's turn has come.
    pub(crate) async fn ask(&self, question: &Question<'_>) -> Result<Arc<[u8]>, WebError> {
        if let Some(kept) = self.recall(&question.url) {
            return Ok(kept);
        }
        let host = host_of(&question.url);
        let mut response = self.send(question, &host).await?;
        if let Some(wait) = asked_wait(&response).filter(|wait| *wait <= PATIENCE) {
            self.keep_away(&host, wait);
            response = self.send(question, &host).await?;
        }
        if let Some(wait) = asked_wait(&response) {
            self.keep_away(&host, wait);
            return Err(WebError::Busy { host, wait_secs: wait.as_secs() });
        }
        let body: Arc<[u8]> = read(response, &host, MAX_ANSWER_BYTES).await?.into();
        self.remember(&question.url, question.keep, &body);
        Ok(body)
    }

    async fn send(&self, question: &Question<'_>, host: &str) -> Result<Response, WebError> {
        tokio::time::sleep_until(self.take_turn(host)?).await;
        let request = self.client.get(question.url.clone()).header(ACCEPT_ENCODING, "gzip");
        let request = match question.token {
            Some(token) => request.bearer_auth(token.expose_secret()),
            None => request,
        };
        request.send().await.map_err(|error| transport(host, &error))
    }

    /// When `host` may be asked; whoever comes next comes after that. A host that asked for a long time is not waited for.
    fn take_turn(&self, host: &str) -> Result<Instant, WebError> {
        let now = Instant::now();
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.turns.retain(|_, turn| *turn > now);
        let turn = memory.turns.get(host).copied().unwrap_or(now);
        let wait = turn.saturating_duration_since(now);
        if wait > PATIENCE {
            return Err(WebError::Busy { host: host.to_owned(), wait_secs: wait.as_secs() });
        }
        memory.turns.insert(host.to_owned(), turn + self.spacing);
        Ok(turn)
    }

    fn keep_away(&self, host: &str, wait: Duration) {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.turns.insert(host.to_owned(), Instant::now() + wait);
    }

    fn recall(&self, url: &Url) -> Option<Arc<[u8]>> {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        memory.kept.retain(|_, (until, _)| *until > now);
        memory.kept.get(url).map(|(_, body)| Arc::clone(body))
    }

    fn remember(&self, url: &Url, keep: Duration, body: &Arc<[u8]>) {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let size = memory.kept.values().map(|(_, body)| body.len()).sum::<usize>() + body.len();
        if size > MAX_KEPT_BYTES {
            memory.kept.clear();
        }
        if !keep.is_zero() {
            memory.kept.insert(url.clone(), (Instant::now() + keep, Arc::clone(body)));
        }
    }
}

/// What every client of ours is like.
pub(crate) fn polite(builder: ClientBuilder) -> ClientBuilder {
    let user_agent = concat!("pintle-discover/", env!("CARGO_PKG_VERSION"));
    builder.redirect(Policy::none()).referer(false).timeout(ANSWER_LIMIT).user_agent(user_agent)
}

/// The body of a successful answer, decompressed.
pub(crate) async fn read(mut response: Response, host: &str, limit_bytes: usize) -> Result<Vec<u8>, WebError> {
    if response.status() != StatusCode::OK {
        return Err(WebError::Status { host: host.to_owned(), status: response.status().as_u16() });
    }
    let is_compressed = response.headers().get(CONTENT_ENCODING).is_some_and(|encoding| encoding == "gzip");
    let too_large = || WebError::TooLarge { host: host.to_owned(), limit_bytes };
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| transport(host, &error))? {
        if body.len() + chunk.len() > limit_bytes {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    if !is_compressed {
        return Ok(body);
    }
    // One byte more than an answer may have: a kilobyte can stand for a gigabyte.
    let mut decompressed = Vec::new();
    let mut decoder = MultiGzDecoder::new(&body[..]).take(limit_bytes as u64 + 1);
    let decoded = decoder.read_to_end(&mut decompressed);
    decoded.map_err(|error| WebError::Encoding { host: host.to_owned(), error: error.into() })?;
    if decompressed.len() > limit_bytes { Err(too_large()) } else { Ok(decompressed) }
}

/// How long a service wants to be left alone; none of one that answers.
fn asked_wait(response: &Response) -> Option<Duration> {
    if !matches!(response.status(), StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
        return None;
    }
    let said = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    Some(said.map_or(UNSAID_WAIT, Duration::from_secs).min(LONGEST_WAIT))
}

pub(crate) fn host_of(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

/// A `reqwest::Error` says where, and its causes what. The URL may hold what is asked about, and is not repeated.
pub(crate) fn transport(host: &str, error: &reqwest::Error) -> WebError {
    WebError::Transport { host: host.to_owned(), reason: with_causes(error) }
}

fn with_causes(error: &reqwest::Error) -> String {
    let mut causes = Vec::new();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    if error.is_timeout() {
        return format!("no whole answer within {} seconds", ANSWER_LIMIT.as_secs());
    }
    if causes.is_empty() { error.to_string() } else { causes.join(": ") }
}

/// Who listens on the way would learn the token and what is asked about.
pub(crate) fn is_private_to_us(url: &Url) -> bool {
    let is_here = |host: &str| {
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    };
    match url.scheme() {
        "https" => url.host_str().is_some(),
        "http" => url.host_str().is_some_and(is_here),
        _ => false,
    }
}
