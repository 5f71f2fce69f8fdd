//! Fetching configurations (P-7.3): a client of its own, with nothing of the app's in it.

use reqwest::{
    Client, Response, StatusCode,
    header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, IF_NONE_MATCH, RETRY_AFTER},
    redirect::Policy,
};
use rustls::ClientConfig;

use crate::{Answer, Fetch, FetchError, user_agent};

/// Makes what a [`Pinner`](crate::Pinner) asks for.
#[derive(Clone, Debug)]
pub(crate) struct Fetcher {
    client: Client,
}

/// What stands between the client and a CDN.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Proxies {
    /// Whatever the environment names.
    OfEnvironment,
    /// Nothing: the CDN is on this machine.
    None,
}

impl Fetcher {
    pub(crate) fn new(tls: ClientConfig, proxies: Proxies) -> reqwest::Result<Self> {
        let builder =
            Client::builder().tls_backend_preconfigured(tls).redirect(Policy::none()).user_agent(user_agent("rust"));
        let builder = match proxies {
            Proxies::OfEnvironment => builder,
            Proxies::None => builder.no_proxy(),
        };
        Ok(Self { client: builder.build()? })
    }

    pub(crate) async fn fetch(&self, fetch: &Fetch) -> Answer {
        let answer = tokio::time::timeout(fetch.timeout, self.fetch_unhurried(fetch)).await;
        answer.unwrap_or(Answer::Failed(FetchError::TimedOut(fetch.timeout)))
    }

    async fn fetch_unhurried(&self, fetch: &Fetch) -> Answer {
        let mut request = match &fetch.body {
            None => self.client.get(&fetch.url),
            Some(body) => self.client.post(&fetch.url).header(CONTENT_TYPE, "application/json").body(body.clone()),
        };
        request = request.header(ACCEPT_ENCODING, "identity");
        if let Some(etag) = &fetch.etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        if fetch.no_cache {
            request = request.header(CACHE_CONTROL, "no-cache");
        }
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Answer::Failed(transport(&error)),
        };
        let status = response.status();
        let [etag, retry_after] = [ETAG, RETRY_AFTER].map(|name| header(response.headers(), &name));
        let body = match status {
            StatusCode::OK if fetch.body.is_none() => read_body(response, fetch.max_bytes).await,
            _ => Ok(Vec::new()),
        };
        match body {
            Ok(body) => Answer::from_http(status.as_u16(), etag, retry_after.as_deref(), body),
            Err(error) => Answer::Failed(error),
        }
    }
}

async fn read_body(mut response: Response, max_bytes: usize) -> Result<Vec<u8>, FetchError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| transport(&error))? {
        if body.len() + chunk.len() > max_bytes {
            return Err(FetchError::TooLarge(max_bytes));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn header(headers: &HeaderMap, name: &reqwest::header::HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// The innermost cause says what happened; the outer ones only that something did.
fn transport(error: &reqwest::Error) -> FetchError {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    FetchError::Transport(innermost.to_string())
}
