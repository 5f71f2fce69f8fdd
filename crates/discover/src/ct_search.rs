//! Certificates that Certificate Transparency logs know for a host, asked of those who read the logs.

use std::{sync::Arc, time::Duration};

use base64ct::{Base64, Encoding};
use pintle_core::{HostName, UnixTime, der};
use reqwest::{Client, Response, StatusCode, Url, header::RETRY_AFTER, redirect::Policy};
use rustls::{ClientConfig, crypto::ring};
use rustls_platform_verifier::BuilderVerifierExt;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::{
    CertificateFacts,
    limits::{MAX_SEARCH_BYTES, MAX_SEARCH_CERTIFICATES},
};

/// How a source answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CtApi {
    /// The JSON of crt.sh: a list, and each certificate for itself.
    CrtSh,
    /// The issuances of the Cert Spotter API, version 1.
    CertSpotter,
}

/// Somebody who reads the logs. Nothing that it says is believed: what is not a valid certificate for the host is left out.
#[derive(Clone, Debug)]
pub struct CtSource {
    /// How it answers.
    pub api: CtApi,
    /// Where it answers.
    pub url: Url,
    /// What it asks for, if it does.
    pub token: Option<SecretString>,
}

/// A certificate that a source knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedCertificate {
    /// What it says.
    pub facts: CertificateFacts,
    /// Whether it is a precertificate: its key is that of the certificate, its bytes are not, so that only the pins of its
    /// key fit.
    pub is_precertificate: bool,
}

/// Why a source gave nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CtSearchError {
    /// This machine's CA store cannot be used.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// It cannot be reached, or broke off.
    #[error("the CT source cannot be reached: {0}")]
    Transport(#[from] reqwest::Error),
    /// It asks for patience.
    #[error("the CT source asks to wait{}", .retry_after_secs.map(|secs| format!(" {secs} seconds")).unwrap_or_default())]
    Busy {
        /// How long it says.
        retry_after_secs: Option<u64>,
    },
    /// Another status.
    #[error("the CT source answers with status {0}")]
    Status(u16),
    /// More than is read.
    #[error("the CT source answers with more than {MAX_SEARCH_BYTES} bytes")]
    TooLarge,
    /// Not the JSON it should be.
    #[error("the CT source answers with something else than its documented JSON")]
    Unreadable,
}

/// A source that asks for less than this is waited for, once.
const PATIENCE: Duration = Duration::from_secs(10);
const POISON: &[u8] = &[0x2B, 0x06, 0x01, 0x04, 0x01, 0xD6, 0x79, 0x02, 0x04, 0x03];

/// A client that says who asks, follows no redirect and verifies TLS against the platform's CA store.
///
/// # Errors
/// [`CtSearchError::Tls`], [`CtSearchError::Transport`].
pub fn make_search_client() -> Result<Client, CtSearchError> {
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_platform_verifier()?
        .with_no_client_auth();
    let builder = Client::builder().tls_backend_preconfigured(tls).redirect(Policy::none());
    Ok(builder.user_agent(concat!("pintle-discover/", env!("CARGO_PKG_VERSION"))).build()?)
}

impl CtSource {
    /// The certificates for `host` that have not expired at `now`, newest first, as far as the source tells.
    ///
    /// # Errors
    /// [`CtSearchError`].
    pub async fn search(&self, client: &Client, host: &HostName, now: UnixTime) -> Result<Vec<LoggedCertificate>, CtSearchError> {
        let ders = match self.api {
            CtApi::CrtSh => self.search_crt_sh(client, host).await?,
            CtApi::CertSpotter => self.search_cert_spotter(client, host).await?,
        };
        let mut found: Vec<_> = ders.iter().filter_map(|der| accept(der, host, now)).collect();
        found.sort_by_key(|logged| std::cmp::Reverse(logged.facts.not_before));
        found.dedup();
        Ok(found)
    }

    async fn search_crt_sh(&self, client: &Client, host: &HostName) -> Result<Vec<Vec<u8>>, CtSearchError> {
        #[derive(Deserialize)]
        struct Entry {
            id: u64,
        }
        let host = host.to_string();
        let query = [("q", host.as_str()), ("output", "json"), ("exclude", "expired"), ("deduplicate", "Y")];
        let mut entries: Vec<Entry> = parse(&self.fetch(client, self.url.clone(), &query).await?)?;
        // Ids rise: the newest are the ones in use.
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.id));
        let mut ders = Vec::new();
        for entry in entries.iter().take(MAX_SEARCH_CERTIFICATES) {
            let pem = self.fetch(client, self.url.clone(), &[("d", &entry.id.to_string())]).await?;
            ders.extend(crate::parse_certificates(&pem).unwrap_or_default());
        }
        Ok(ders)
    }

    async fn search_cert_spotter(&self, client: &Client, host: &HostName) -> Result<Vec<Vec<u8>>, CtSearchError> {
        #[derive(Deserialize)]
        struct Issuance {
            cert_der: Option<String>,
        }
        let host = host.to_string();
        let mut url = self.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["v1", "issuances"]);
        }
        let query = [("domain", host.as_str()), ("match_wildcards", "true"), ("expand", "cert_der")];
        let issuances: Vec<Issuance> = parse(&self.fetch(client, url, &query).await?)?;
        let ders = issuances.iter().rev().take(MAX_SEARCH_CERTIFICATES).filter_map(|issuance| issuance.cert_der.as_deref());
        Ok(ders.filter_map(|der| Base64::decode_vec(der).ok()).collect())
    }

    /// One answer, whole and bounded; a source that asks for a short wait gets it, once.
    async fn fetch(&self, client: &Client, mut url: Url, query: &[(&str, &str)]) -> Result<Vec<u8>, CtSearchError> {
        url.query_pairs_mut().extend_pairs(query);
        let response = self.ask(client, &url).await?;
        let response = match retry_after(&response) {
            Some(wait) if is_busy(&response) && wait <= PATIENCE => {
                tokio::time::sleep(wait).await;
                self.ask(client, &url).await?
            }
            _ => response,
        };
        if is_busy(&response) {
            return Err(CtSearchError::Busy { retry_after_secs: retry_after(&response).map(|wait| wait.as_secs()) });
        }
        if response.status() != StatusCode::OK {
            return Err(CtSearchError::Status(response.status().as_u16()));
        }
        read_bounded(response).await
    }

    async fn ask(&self, client: &Client, url: &Url) -> Result<Response, CtSearchError> {
        let request = client.get(url.clone()).timeout(Duration::from_secs(30));
        let request = match &self.token {
            Some(token) => request.bearer_auth(token.expose_secret()),
            None => request,
        };
        Ok(request.send().await?)
    }
}

fn is_busy(response: &Response) -> bool {
    matches!(response.status(), StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
}

fn retry_after(response: &Response) -> Option<Duration> {
    response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

async fn read_bounded(mut response: Response) -> Result<Vec<u8>, CtSearchError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > MAX_SEARCH_BYTES {
            return Err(CtSearchError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn parse<T: for<'de> Deserialize<'de>>(body: &[u8]) -> Result<T, CtSearchError> {
    serde_json::from_slice(body).map_err(|_| CtSearchError::Unreadable)
}

/// A source may answer with anything: what counts names the host and is valid now.
fn accept(certificate_der: &[u8], host: &HostName, now: UnixTime) -> Option<LoggedCertificate> {
    let certificate = der::Certificate::parse(certificate_der).ok()?;
    if !certificate.covers(host).ok()? || now > certificate.not_after() {
        return None;
    }
    let is_precertificate = certificate.extension(POISON).ok()?.is_some();
    Some(LoggedCertificate { facts: CertificateFacts::parse(certificate_der).ok()?, is_precertificate })
}
