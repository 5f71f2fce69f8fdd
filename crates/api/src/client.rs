//! A typed client of the HTTP API. It verifies TLS against the platform's CA store, follows no redirects (a token must
//! not travel to another host), speaks plain `http` to loopback hosts only, and reads bounded answers.
//!
//! A request that changes nothing, or that happens once because it carries an idempotency key (every POST), is sent again
//! when the connection breaks or the server says that it is unavailable for the moment.
//!
//! One method per route, sorted into the files below. Each fails with [`ClientError`]; lists are fetched when they are asked
//! for entries.

mod account;
mod alerts;
mod error;
mod list;
mod organizations;
mod projects;
mod releases;
mod retry;

use std::{net::IpAddr, sync::Arc, time::Duration};

use reqwest::{Method, Url, header, redirect};
use rustls_platform_verifier::BuilderVerifierExt;
use serde::{Serialize, de::DeserializeOwned};

pub use error::ClientError;
pub use list::List;

use crate::{BASE_PATH, Bearer, Problem};

/// A whole answer may take this long; the server bounds its own work well below.
const TIMEOUT: Duration = Duration::from_secs(30);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A prepared release holds at most 4 MiB of claims (P-2.1), a third more in base64, and a diff beside them.
const MAX_RESPONSE_BYTES: usize = 16 * 1024 * 1024;

/// Names a project on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProjectRef<'a> {
    /// `org_…`
    pub organization: &'a str,
    /// `prj_…`
    pub project: &'a str,
}

impl<'a> ProjectRef<'a> {
    fn path<const N: usize>(self, rest: [&'a str; N]) -> Vec<&'a str> {
        let mut path = vec!["organizations", self.organization, "projects", self.project];
        path.extend(rest);
        path
    }
}

/// A client bound to one server and one credential, or none. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    bearer: Option<Bearer>,
    expected_revision: Option<u64>,
}

impl Client {
    /// A client of the server at `server`, as `https://pins.example.com` (a path is kept, for servers behind a prefix).
    ///
    /// # Errors
    /// [`ClientError::InvalidUrl`], [`ClientError::InsecureUrl`] (plain `http` to a host that is not loopback), or
    /// [`ClientError::Tls`] when this machine's CA store cannot be used.
    pub fn new(server: &str, bearer: impl Into<Bearer>) -> Result<Self, ClientError> {
        Ok(Self { bearer: Some(bearer.into()), ..Self::anonymous(server)? })
    }

    /// A client that is nobody yet, for signing up and in.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn anonymous(server: &str) -> Result<Self, ClientError> {
        let base = parse_server_url(server)?;
        Ok(Self { http: make_http(&base)?, base, bearer: None, expected_revision: None })
    }

    /// Whether a server answers at `server`, and what time it thinks it is: the `Date` of its answer (RFC 9110 §6.6.1).
    /// Nobody need be signed in.
    ///
    /// # Errors
    /// As [`new`](Self::new); [`ClientError::Transport`] when it cannot be reached; [`ClientError::UnexpectedStatus`]
    /// when something answers that is no Pintle server.
    pub async fn read_server_date(server: &str) -> Result<Option<String>, ClientError> {
        let mut url = parse_server_url(server)?;
        let http = make_http(&url)?;
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("healthz");
        }
        let answer = http.get(url).send().await.map_err(ClientError::Transport)?;
        if !answer.status().is_success() {
            return Err(ClientError::UnexpectedStatus { status: answer.status().as_u16() });
        }
        Ok(answer.headers().get(header::DATE).and_then(|date| date.to_str().ok()).map(str::to_owned))
    }

    /// The same client, whose draft changes succeed only while the draft has this revision (`If-Match`).
    #[must_use]
    pub fn expecting_revision(&self, revision: u64) -> Self {
        Self { expected_revision: Some(revision), ..self.clone() }
    }

    async fn send<T: DeserializeOwned>(&self, method: Method, path: &[&str]) -> Result<T, ClientError> {
        parse_json(&self.exchange(self.request(method, path)?).await?)
    }

    async fn send_json<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        body: &(impl Serialize + Sync),
    ) -> Result<T, ClientError> {
        parse_json(&self.exchange(self.request(method, path)?.json(body)).await?)
    }

    fn request(&self, method: Method, path: &[&str]) -> Result<reqwest::RequestBuilder, ClientError> {
        // Everything else is percent-encoded into its segment; these three would vanish from the path.
        if let Some(id) = path.iter().find(|segment| ["", ".", ".."].contains(*segment)) {
            return Err(ClientError::InvalidId { id: (*id).to_owned() });
        }
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty();
            segments.extend(BASE_PATH.split('/').skip(1)).extend(path);
        }
        let is_change = method != Method::GET;
        let is_post = method == Method::POST;
        let mut request = self.http.request(method, url);
        if let Some(bearer) = &self.bearer {
            request = request.bearer_auth(bearer.expose_secret());
        }
        if let (Some(revision), true) = (self.expected_revision, is_change) {
            request = request.header(header::IF_MATCH, format!("\"{revision}\""));
        }
        if is_post {
            request = request.header(retry::IDEMPOTENCY_KEY, retry::make_key()?);
        }
        Ok(request)
    }

    async fn exchange(&self, request: reqwest::RequestBuilder) -> Result<Vec<u8>, ClientError> {
        let request = request.build().map_err(ClientError::Transport)?;
        for wait in retry::waits(&request) {
            let Some(attempt) = request.try_clone() else { break };
            match self.exchange_once(attempt).await {
                Err(error) if retry::may_pass(&error) => tokio::time::sleep(wait).await,
                answer => return answer,
            }
        }
        self.exchange_once(request).await
    }

    async fn exchange_once(&self, request: reqwest::Request) -> Result<Vec<u8>, ClientError> {
        let mut response = self.http.execute(request).await.map_err(ClientError::Transport)?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(ClientError::Transport)? {
            if body.len() + chunk.len() > MAX_RESPONSE_BYTES {
                return Err(ClientError::ResponseTooLarge { limit_bytes: MAX_RESPONSE_BYTES });
            }
            body.extend_from_slice(&chunk);
        }
        if status.is_success() {
            return Ok(body);
        }
        Err(match serde_json::from_slice::<Problem>(&body) {
            Ok(problem) => ClientError::Problem(Box::new(problem)),
            Err(_) => ClientError::UnexpectedStatus { status: status.as_u16() },
        })
    }
}

fn make_http(base: &Url) -> Result<reqwest::Client, ClientError> {
    let tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_platform_verifier())
        .map_err(ClientError::Tls)?
        .with_no_client_auth();
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(redirect::Policy::none())
        .timeout(TIMEOUT)
        .connect_timeout(CONNECT_TIMEOUT)
        .user_agent(concat!("pintle-api/", env!("CARGO_PKG_VERSION")));
    if base.scheme() == "http" {
        // Loopback: a proxy from the environment would see the token in the clear.
        builder = builder.no_proxy();
    }
    builder.build().map_err(ClientError::Transport)
}

fn parse_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, ClientError> {
    // A route without an answer sends no body; `null` is how serde spells the unit it is read into.
    let body = if body.is_empty() { b"null" } else { body };
    serde_json::from_slice(body).map_err(ClientError::UnexpectedBody)
}

fn parse_server_url(text: &str) -> Result<Url, ClientError> {
    let invalid = || ClientError::InvalidUrl { url: text.to_owned() };
    let url = Url::parse(text).map_err(|_| invalid())?;
    let host = url.host_str().ok_or_else(invalid)?;
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err(invalid());
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(host) => Ok(url),
        "http" => Err(ClientError::InsecureUrl { url: text.to_owned() }),
        _ => Err(invalid()),
    }
}

fn is_loopback(host: &str) -> bool {
    let literal = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || literal.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ApiToken;

    #[test]
    fn accepts_https_anywhere_and_http_on_loopback() {
        for url in [
            "https://pins.example.com",
            "https://h/prefix/",
            "http://127.0.0.1:8080",
            "http://[::1]:1",
            "http://localhost",
        ] {
            assert!(parse_server_url(url).is_ok(), "{url}");
        }
    }

    #[test]
    fn refuses_plain_http_to_other_hosts() {
        for url in
            ["http://pins.example.com", "http://10.0.0.1", "http://localhost.example.com", "http://127.0.0.1.nip.io"]
        {
            assert!(matches!(parse_server_url(url), Err(ClientError::InsecureUrl { .. })), "{url}");
        }
    }

    #[test]
    fn refuses_what_is_no_server_url() {
        for url in ["", "pins.example.com", "ftp://h", "https://u:p@h", "https://h/?q", "https://h/#f"] {
            assert!(matches!(parse_server_url(url), Err(ClientError::InvalidUrl { .. })), "{url}");
        }
    }

    #[test]
    fn ids_cannot_leave_their_path_segment() {
        let client = Client::new("https://h/prefix/", ApiToken::make(&[1; 32])).unwrap();
        let request = client.request(Method::GET, &["organizations", "../x?y#z"]).unwrap().build().unwrap();
        assert_eq!(request.url().as_str(), "https://h/prefix/api/v1/organizations/..%2Fx%3Fy%23z");
        for id in ["", ".", ".."] {
            assert!(matches!(client.request(Method::GET, &["organizations", id]), Err(ClientError::InvalidId { .. })));
        }
    }

    #[test]
    fn only_changes_carry_the_expected_revision() {
        let client = Client::new("https://h", ApiToken::make(&[1; 32])).unwrap().expecting_revision(7);
        let change = client.request(Method::DELETE, &["x"]).unwrap().build().unwrap();
        assert_eq!(change.headers().get(header::IF_MATCH).unwrap(), "\"7\"");
        let read = client.request(Method::GET, &["x"]).unwrap().build().unwrap();
        assert!(read.headers().get(header::IF_MATCH).is_none());
    }
}
