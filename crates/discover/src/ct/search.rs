use std::time::Duration;

use base64ct::{Base64, Encoding};
use pintle_core::{HostName, UnixTime};
use reqwest::Url;
use secrecy::SecretString;
use serde::Deserialize;
use tokio::time::timeout;

use super::{CtError, LoggedCertificate, put_in_order};
use crate::{
    WebClient,
    limits::{MAX_SEARCH_CERTIFICATES, SEARCH_LIMIT},
    web::{Question, host_of, is_private_to_us},
};

/// How a source answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CtApi {
    /// The JSON of crt.sh: a list, and each certificate by itself.
    CrtSh,
    /// The issuances of the Cert Spotter API, version 1.
    CertSpotter,
}

/// Somebody who reads the logs. Nothing that it says is believed: what is not a valid certificate for the host is left out, and
/// what it leaves out nobody misses.
#[derive(Clone, Debug)]
pub struct CtSource {
    api: CtApi,
    url: Url,
    token: Option<SecretString>,
}

/// Not the URL of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the URL of a CT source: https://HOST/…, or http:// on this machine")]
pub struct CtSourceError;

/// A list grows whenever somebody issues.
const KEEP_LIST: Duration = Duration::from_secs(600);
/// A certificate does not change.
const KEEP_CERTIFICATE: Duration = Duration::from_secs(86_400);

impl CtApi {
    /// Every kind of source.
    pub const ALL: &'static [Self] = &[Self::CrtSh, Self::CertSpotter];

    /// In one word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CrtSh => "crt.sh",
            Self::CertSpotter => "certspotter",
        }
    }

    /// The kind of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|api| api.as_str() == word)
    }

    /// Where it answers for the public.
    #[must_use]
    pub fn public_url(self) -> &'static str {
        match self {
            Self::CrtSh => "https://crt.sh/",
            Self::CertSpotter => "https://api.certspotter.com/",
        }
    }
}

impl CtSource {
    /// A source of this kind that answers at `url`, and what it asks for, if it does.
    ///
    /// # Errors
    /// [`CtSourceError`].
    pub fn parse(api: CtApi, url: &str, token: Option<SecretString>) -> Result<Self, CtSourceError> {
        let url = Url::parse(url).ok().filter(is_private_to_us).ok_or(CtSourceError)?;
        Ok(Self { api, url, token })
    }

    /// Who it is, as people read it.
    #[must_use]
    pub fn name(&self) -> String {
        host_of(&self.url)
    }

    /// The certificates for `host` that have not expired at `now`, newest first, as far as the source tells.
    ///
    /// # Errors
    /// [`CtError`].
    pub async fn search(
        &self,
        client: &WebClient,
        host: &HostName,
        now: UnixTime,
    ) -> Result<Vec<LoggedCertificate>, CtError> {
        let answer = async {
            match self.api {
                CtApi::CrtSh => self.search_crt_sh(client, host).await,
                CtApi::CertSpotter => self.search_cert_spotter(client, host).await,
            }
        };
        let ders =
            timeout(SEARCH_LIMIT, answer).await.map_err(|_| CtError::TimedOut { host: host_of(&self.url) })??;
        Ok(put_in_order(ders.iter().filter_map(|der| LoggedCertificate::parse_for(der, host, now)).collect()))
    }

    async fn search_crt_sh(&self, client: &WebClient, host: &HostName) -> Result<Vec<Vec<u8>>, CtError> {
        #[derive(Deserialize)]
        struct Entry {
            id: u64,
        }
        let mut ids: Vec<u64> = Vec::new();
        for name in names_of(host) {
            let query = [("q", name.as_str()), ("output", "json"), ("exclude", "expired"), ("deduplicate", "Y")];
            let body = self.ask(client, self.url.clone(), &query, KEEP_LIST).await?;
            ids.extend(self.parse_list::<Entry>(&body)?.iter().map(|entry| entry.id));
        }
        // Ids rise: the newest are the ones in use.
        ids.sort_unstable_by(|a, b| b.cmp(a));
        ids.dedup();
        let mut ders = Vec::new();
        for id in ids.iter().take(MAX_SEARCH_CERTIFICATES) {
            let pem = self.ask(client, self.url.clone(), &[("d", &id.to_string())], KEEP_CERTIFICATE).await?;
            ders.extend(crate::parse_certificates(&pem).unwrap_or_default());
        }
        Ok(ders)
    }

    async fn search_cert_spotter(&self, client: &WebClient, host: &HostName) -> Result<Vec<Vec<u8>>, CtError> {
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
        let body = self.ask(client, url, &query, KEEP_LIST).await?;
        let issuances = self.parse_list::<Issuance>(&body)?;
        // The newest come last.
        let ders = issuances.iter().rev().take(MAX_SEARCH_CERTIFICATES).filter_map(|found| found.cert_der.as_deref());
        Ok(ders.filter_map(|der| Base64::decode_vec(der).ok()).collect())
    }

    async fn ask(
        &self,
        client: &WebClient,
        mut url: Url,
        query: &[(&str, &str)],
        keep: Duration,
    ) -> Result<Vec<u8>, CtError> {
        url.query_pairs_mut().extend_pairs(query);
        Ok(client.ask(&Question { url, token: self.token.as_ref(), keep }).await?.to_vec())
    }

    fn parse_list<T: for<'de> Deserialize<'de>>(&self, body: &[u8]) -> Result<Vec<T>, CtError> {
        serde_json::from_slice(body)
            .map_err(|_| CtError::Unreadable { host: host_of(&self.url), expected: "list in JSON" })
    }
}

/// crt.sh looks for a name as it stands in certificates: the host, or a wildcard for it.
fn names_of(host: &HostName) -> Vec<String> {
    let wildcard = match host {
        HostName::Dns(name) => name.parent().map(|parent| format!("*.{parent}")),
        HostName::V4(_) | HostName::V6(_) => None,
    };
    std::iter::once(host.to_string()).chain(wildcard).collect()
}
