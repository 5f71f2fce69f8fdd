//! CAA records (RFC 8659): which CAs may issue for a host, as its domain says.

use std::net::SocketAddr;

use hickory_resolver::{
    TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolverConfig},
    net::{DnsError, NetError, runtime::TokioRuntimeProvider},
    proto::rr::{Name, RData, RecordType},
};
use pintle_core::name::DnsName;
use tokio::time::timeout;

use crate::limits::{CAA_LIMIT, MAX_CAA_RECORDS};

/// Asks DNS for CAA records. Nothing that it answers is verified (there is no DNSSEC here): it is for people.
#[derive(Clone, Debug)]
pub struct CaaResolver {
    resolver: TokioResolver,
}

/// The records that count for a host: those of the nearest name above it that has some.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaaRecords {
    /// The name that has them.
    pub domain: String,
    /// In the order of the answer.
    pub records: Vec<CaaRecord>,
}

/// One property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaaRecord {
    /// Whether a CA that does not know the tag must not issue.
    pub is_critical: bool,
    /// As `issue`, `issuewild` or `iodef`.
    pub tag: String,
    /// As `letsencrypt.org`; `;` alone: nobody.
    pub value: String,
}

/// Why it is not known which CAs may issue.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CaaError {
    /// There is nobody to ask.
    #[error("this machine has no DNS server to ask for CAA records: {0}")]
    NoServer(String),
    /// No answer, or a refusal: a CA would not issue then (RFC 8659 §3).
    #[error("the CAA records of {name} are not to be had: {reason}")]
    Lookup {
        /// Which name was asked about.
        name: String,
        /// Why.
        reason: String,
    },
}

impl CaaResolver {
    /// Asks the DNS servers that this machine uses.
    ///
    /// # Errors
    /// [`CaaError::NoServer`].
    pub fn of_system() -> Result<Self, CaaError> {
        let builder = TokioResolver::builder_tokio().map_err(|error| CaaError::NoServer(error.to_string()))?;
        let resolver = builder.build().map_err(|error| CaaError::NoServer(error.to_string()))?;
        Ok(Self { resolver })
    }

    /// Asks this DNS server.
    ///
    /// # Errors
    /// [`CaaError::NoServer`].
    pub fn asking(server: SocketAddr) -> Result<Self, CaaError> {
        let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
            connection.port = server.port();
            connection
        });
        let servers = vec![NameServerConfig::new(server.ip(), true, connections.to_vec())];
        let config = ResolverConfig::from_parts(None, Vec::new(), servers);
        let builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        let resolver = builder.build().map_err(|error| CaaError::NoServer(error.to_string()))?;
        Ok(Self { resolver })
    }

    /// The records that count for `host`, if there are any; looked for from the name itself up to its top-level domain.
    ///
    /// # Errors
    /// [`CaaError::Lookup`].
    pub async fn find(&self, host: &DnsName) -> Result<Option<CaaRecords>, CaaError> {
        let climb = async {
            let mut name = Some(host.as_str());
            while let Some(domain) = name {
                let records = self.read(domain).await?;
                if !records.is_empty() {
                    return Ok(Some(CaaRecords { domain: domain.to_owned(), records }));
                }
                name = domain.split_once('.').map(|(_, parent)| parent);
            }
            Ok(None)
        };
        timeout(CAA_LIMIT, climb).await.unwrap_or_else(|_| {
            let reason = format!("no answer within {} seconds", CAA_LIMIT.as_secs());
            Err(CaaError::Lookup { name: host.as_str().to_owned(), reason })
        })
    }

    async fn read(&self, domain: &str) -> Result<Vec<CaaRecord>, CaaError> {
        let failed = |reason: String| CaaError::Lookup { name: domain.to_owned(), reason };
        // With its dot at the end it is no name of the local network.
        let name = Name::from_ascii(format!("{domain}.")).map_err(|error| failed(error.to_string()))?;
        let answer = match self.resolver.lookup(name, RecordType::CAA).await {
            Ok(answer) => answer,
            Err(NetError::Dns(DnsError::NoRecordsFound(_))) => return Ok(Vec::new()),
            Err(error) => return Err(failed(error.to_string())),
        };
        let records = answer.answers().iter().filter_map(|record| match &record.data {
            RData::CAA(caa) => Some(CaaRecord {
                is_critical: caa.issuer_critical,
                tag: caa.tag.clone(),
                value: String::from_utf8_lossy(&caa.value).into_owned(),
            }),
            _ => None,
        });
        Ok(records.take(MAX_CAA_RECORDS).collect())
    }
}
