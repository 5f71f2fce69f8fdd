//! What live endpoints serve: the one part of the guard that talks to the world.

use std::{collections::HashMap, net::SocketAddr, time::Duration};

use futures_util::{StreamExt as _, stream};
use pintle_core::{
    Name,
    claims::{Claims, Domain, Enforce},
};
use pintle_discover::{AddressPolicy, DEFAULT_PORT, Endpoint, ProbeFailure, Prober, SightError};
use pintle_path::Roots;
use rustls_pki_types::CertificateDer;
use tokio::time::{Instant, timeout_at};

/// The hosts that stand for an entry, by its name: those named for it, or itself where it is no wildcard.
pub type Watch = HashMap<String, Vec<Endpoint>>;

/// What came of looking at one endpoint.
#[derive(Clone, Debug)]
pub struct Observation {
    /// Where.
    pub endpoint: Endpoint,
    /// What was seen: at each of its addresses, and of each chain it serves there. Never empty.
    pub sights: Vec<Sight>,
}

/// One look.
#[derive(Clone, Debug)]
pub enum Sight {
    /// A chain was presented.
    Chain {
        /// By whom; none where a proxy resolved the name.
        address: Option<SocketAddr>,
        /// Leaf first.
        chain: Vec<CertificateDer<'static>>,
        /// Stapled, DER; empty: none.
        ocsp_response: Vec<u8>,
    },
    /// Nobody answered, or not with TLS.
    Unreachable {
        /// Why, as the end of a sentence.
        problem: String,
    },
    /// Nobody asked.
    NotLookedAt {
        /// Why, as the end of a sentence.
        problem: String,
    },
}

/// How far looking may go.
#[derive(Clone, Debug)]
pub struct LookSettings {
    /// Looks at one endpoint, where its policy allows.
    pub prober: Prober,
    /// Endpoints looked at side by side.
    pub concurrency: usize,
    /// For all together: what is left then counts as not looked at.
    pub total_limit: Duration,
}

impl LookSettings {
    /// Five seconds for each connection, twenty for all, 64 side by side.
    #[must_use]
    pub fn new(policy: AddressPolicy) -> Self {
        let prober = Prober::new(policy).with_limits(Duration::from_secs(5), Duration::from_secs(10));
        Self { prober, concurrency: 64, total_limit: Duration::from_secs(20) }
    }
}

/// The endpoints that show whether apps could connect: those of entries that enforce come first.
#[must_use]
pub fn list_endpoints(claims: &Claims, watch: &Watch) -> Vec<Endpoint> {
    let mut domains: Vec<_> = claims.domains.iter().collect();
    domains.sort_by_key(|domain| domain.enforce == Enforce::Report);
    domains.into_iter().flat_map(|domain| endpoints_of(domain, watch)).collect()
}

/// The endpoints that stand for one entry.
pub(crate) fn endpoints_of(domain: &Domain, watch: &Watch) -> Vec<Endpoint> {
    match (watch.get(&domain.name.to_string()), &domain.name) {
        (Some(named), _) if !named.is_empty() => named.clone(),
        (_, Name::Exact(host)) => vec![Endpoint { host: host.clone(), port: DEFAULT_PORT }],
        _ => Vec::new(),
    }
}

/// The root certificates of this machine's platform, and those of `extra` (DER) that can be used.
#[must_use]
pub fn load_roots(extra: &[CertificateDer<'static>]) -> Roots {
    let loaded = rustls_native_certs::load_native_certs();
    for error in &loaded.errors {
        tracing::warn!(%error, "root certificates of the platform could not all be read");
    }
    let mut roots = Roots::default();
    for certificate in loaded.certs.into_iter().chain(extra.iter().cloned()) {
        // The platform's store holds what no path ends in; the operator's own are checked when they are read.
        let _unusable = roots.add_certificate(certificate);
    }
    roots
}

/// Looks at every endpoint, in this order, as far as `settings` allow.
pub async fn look(endpoints: Vec<Endpoint>, settings: &LookSettings) -> Vec<Observation> {
    let deadline = Instant::now() + settings.total_limit;
    let looks = endpoints.into_iter().enumerate().map(|(position, endpoint)| async move {
        let sights = if Instant::now() < deadline {
            timeout_at(deadline, look_at(&endpoint, &settings.prober)).await.ok()
        } else {
            None
        };
        let late = || vec![Sight::NotLookedAt { problem: "the time for looking was over".to_owned() }];
        (position, Observation { endpoint, sights: sights.unwrap_or_else(late) })
    });
    let mut observations: Vec<_> = stream::iter(looks).buffer_unordered(settings.concurrency).collect().await;
    observations.sort_by_key(|(position, _)| *position);
    observations.into_iter().map(|(_, observation)| observation).collect()
}

async fn look_at(endpoint: &Endpoint, prober: &Prober) -> Vec<Sight> {
    let failed = |error: &SightError| match error {
        SightError::Destination(error) => Sight::NotLookedAt { problem: error.to_string() },
        error => Sight::Unreachable { problem: error.to_string() },
    };
    match prober.probe(endpoint).await {
        Ok(survey) => survey
            .sights
            .into_iter()
            .map(|sight| match sight.outcome {
                Ok(presented) => Sight::Chain {
                    address: sight.address,
                    chain: presented.chain.into_iter().map(CertificateDer::from).collect(),
                    ocsp_response: presented.ocsp_response,
                },
                Err(error) => failed(&error),
            })
            .collect(),
        Err(error) => vec![match &error.cause {
            ProbeFailure::Sight(error) => failed(error),
            other => Sight::Unreachable { problem: other.to_string() },
        }],
    }
}
