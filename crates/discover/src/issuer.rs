//! Certificates of issuers that a server did not send, fetched where its certificates say that they lie (RFC 5280 §4.2.2.1).

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use pintle_core::{HostName, der::Certificate};
use reqwest::{Client, Url};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use tokio::time::timeout;

use crate::{
    AddressPolicy, CertificateFacts, DestinationError, FileError, IoFailure, Resolve, SystemResolver, WebError,
    limits::{COMPLETION_LIMIT, MAX_FETCHED_ISSUERS, MAX_ISSUER_BYTES},
    parse_certificates,
    signed::Signed,
    web::{host_of, polite, read, transport},
};

/// Fetches issuers' certificates. Who chooses the URLs is whoever made the certificates, hence a stranger: every address is judged by
/// a policy before anything connects to it.
#[derive(Clone, Debug)]
pub struct IssuerFetcher {
    policy: AddressPolicy,
    resolver: Arc<dyn Resolve>,
}

/// How far a chain could be completed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completion {
    /// What comes after the chain, each certificate the issuer of the one before.
    pub fetched: Vec<FetchedIssuer>,
    /// Why it does not go on, if the last certificate says that it does.
    pub problem: Option<IssuerError>,
}

/// The certificate of an issuer. It signed what it is said to have issued; nobody vouches for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedIssuer {
    /// Where it lay.
    pub url: String,
    /// DER.
    pub certificate: Vec<u8>,
}

/// Why an issuer's certificate is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the issuer's certificate at {url} {cause}")]
pub struct IssuerError {
    /// Where it should lie.
    pub url: String,
    /// What happened.
    pub cause: IssuerFailure,
}

/// See [`IssuerError`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssuerFailure {
    /// Not a URL that is fetched.
    #[error("has a URL that is none of http://HOST/…")]
    Url,
    /// Its host has no address.
    #[error("is not to be had: its host has no address: {0}")]
    Name(IoFailure),
    /// Not connected to.
    #[error("is not fetched: {0}")]
    Destination(#[from] DestinationError),
    /// No usable answer.
    #[error("is not to be had: {0}")]
    Web(#[from] WebError),
    /// No certificate.
    #[error("is none: {0}")]
    File(#[from] FileError),
    /// Somebody else's.
    #[error("did not sign what it is said to have issued")]
    NotTheIssuer,
    /// Too slow.
    #[error("did not come within {} seconds", COMPLETION_LIMIT.as_secs())]
    TimedOut,
}

impl IssuerFetcher {
    /// Fetches where `policy` allows: it must name port 80, where such certificates lie.
    #[must_use]
    pub fn new(policy: AddressPolicy) -> Self {
        Self { policy, resolver: Arc::new(SystemResolver) }
    }

    /// Asks this resolver instead of the operating system's.
    #[must_use]
    pub fn with_resolver(self, resolver: Arc<dyn Resolve>) -> Self {
        Self { resolver, ..self }
    }

    /// Goes on from where `chain` (DER, the server's own certificate first) ends, up to a certificate that issued itself.
    pub async fn complete(&self, chain: &[Vec<u8>]) -> Completion {
        let mut completion = Completion::default();
        let Some(mut last) = find_end(chain).cloned() else { return completion };
        let mut url = String::new();
        let ended = timeout(COMPLETION_LIMIT, async {
            for _ in 0..MAX_FETCHED_ISSUERS {
                let Some(next) = next_url(&last) else { break };
                url = next;
                let issuer = self.fetch_issuer(&last, &url).await?;
                completion.fetched.push(FetchedIssuer { url: url.clone(), certificate: issuer.clone() });
                last = issuer;
            }
            Ok(())
        });
        let outcome = ended.await.unwrap_or(Err(IssuerFailure::TimedOut));
        completion.problem = outcome.err().map(|cause| IssuerError { url, cause });
        completion
    }

    async fn fetch_issuer(&self, issued: &[u8], url: &str) -> Result<Vec<u8>, IssuerFailure> {
        let certificates = parse_certificates(&self.fetch(url).await?)?;
        certificates.into_iter().find(|issuer| has_issued(issuer, issued)).ok_or(IssuerFailure::NotTheIssuer)
    }

    /// The name is resolved once, each address is judged, and the connection goes to one of those that were.
    async fn fetch(&self, url: &str) -> Result<Vec<u8>, IssuerFailure> {
        let url = Url::parse(url).ok().filter(|url| url.scheme() == "http").ok_or(IssuerFailure::Url)?;
        let (host, port) = (host_of(&url), url.port_or_known_default().ok_or(IssuerFailure::Url)?);
        self.policy.check_port(port)?;
        let addresses = self.resolve(&host).await?.into_iter().map(|address| SocketAddr::new(address, port));
        let mut allowed = Vec::new();
        for address in addresses {
            self.policy.check(address)?;
            allowed.push(address);
        }
        let failed = |error: &reqwest::Error| IssuerFailure::Web(transport(&host, error));
        let builder = polite(Client::builder()).no_proxy().resolve_to_addrs(&host, &allowed);
        let client = builder.tls_backend_preconfigured(no_tls()?).build().map_err(|error| failed(&error))?;
        let response = client.get(url).send().await.map_err(|error| failed(&error))?;
        Ok(read(response, &host, MAX_ISSUER_BYTES).await?)
    }

    async fn resolve(&self, host: &str) -> Result<Vec<IpAddr>, IssuerFailure> {
        match HostName::parse_connection(host).map_err(|_| IssuerFailure::Url)? {
            HostName::V4(address) => Ok(vec![address.into()]),
            HostName::V6(address) => Ok(vec![address.into()]),
            HostName::Dns(name) => {
                let resolved = self.resolver.resolve(name.as_str()).await;
                let addresses = resolved.map_err(|error| IssuerFailure::Name(error.into()))?;
                if addresses.is_empty() {
                    let error = std::io::Error::new(std::io::ErrorKind::NotFound, "the name has none");
                    return Err(IssuerFailure::Name(error.into()));
                }
                Ok(addresses)
            }
        }
    }
}

/// `http` alone is spoken: a configuration that trusts nobody.
fn no_tls() -> Result<ClientConfig, WebError> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(|error| WebError::Tls(error.to_string()))?;
    Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

/// The last certificate that the chain proves, from the leaf on.
fn find_end(chain: &[Vec<u8>]) -> Option<&Vec<u8>> {
    let mut last = chain.first()?;
    for _ in chain {
        match chain.iter().find(|issuer| *issuer != last && has_issued(issuer, last)) {
            Some(issuer) => last = issuer,
            None => break,
        }
    }
    Some(last)
}

/// Where the issuer of a certificate lies; of one that issued itself nowhere.
fn next_url(certificate: &[u8]) -> Option<String> {
    if has_issued(certificate, certificate) {
        return None;
    }
    CertificateFacts::parse(certificate).ok()?.issuer_urls.into_iter().next()
}

fn has_issued(issuer: &[u8], issued: &[u8]) -> bool {
    let (Ok(issuer), Ok(certificate)) = (Certificate::parse(issuer), Certificate::parse(issued)) else { return false };
    issuer.subject() == certificate.issuer()
        && Signed::read(issued).is_ok_and(|signed| signed.is_signed_by(issuer.spki()))
}
