use std::{
    collections::BTreeSet,
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use futures_util::future::join_all;
use pintle_core::HostName;
use rustls_pki_types::ServerName;
use tokio::time::{Instant, timeout, timeout_at};

use crate::{
    AddressPolicy, Endpoint, Offer, Presented, ProbeError, ProbeFailure, Proxy, Resolve, SightError, StartTls,
    SystemResolver,
    connect::{Target, connect_directly},
    handshake::shake_hands,
    limits::{CONNECTION_LIMIT, MAX_ADDRESSES, PROBE_LIMIT},
};

/// How to look at endpoints: a value that any number of looks share.
#[derive(Clone, Debug)]
pub struct Prober {
    policy: AddressPolicy,
    resolver: Arc<dyn Resolve>,
    proxy: Option<Proxy>,
    start_tls: Option<StartTls>,
    server_name: Option<HostName>,
    family: Option<Family>,
    offers: Vec<Offer>,
    connection_limit: Duration,
    probe_limit: Duration,
}

/// One kind of IP address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// What an endpoint showed: at least one sight for every address of it, in the resolver's order.
#[derive(Clone, Debug)]
pub struct Survey {
    /// Where to.
    pub endpoint: Endpoint,
    /// Addresses × distinct chains, or the failure that stands for the address.
    pub sights: Vec<Sight>,
}

/// What one address showed to some offers, which is the same for all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    /// The address; none where a proxy resolved the name.
    pub address: Option<SocketAddr>,
    /// The offers that were answered so, in the order they were made. An offer that nothing answered is in no sight: the
    /// server has no such key or version.
    pub offers: Vec<Offer>,
    /// The chain, or why there is none.
    pub outcome: Result<Presented, SightError>,
}

impl Survey {
    /// What was presented, with the sight it belongs to.
    pub fn presented(&self) -> impl Iterator<Item = (&Sight, &Presented)> {
        self.sights.iter().filter_map(|sight| Some((sight, sight.outcome.as_ref().ok()?)))
    }

    /// The chain an app most likely gets: that of the first address that answered.
    ///
    /// # Errors
    /// [`ProbeError`] with the first failure, when no address showed anything.
    pub fn first(&self) -> Result<&Presented, ProbeError> {
        match self.sights.first().map(|sight| &sight.outcome) {
            Some(Err(failure)) => self
                .presented()
                .next()
                .map(|(_, presented)| presented)
                .ok_or_else(|| ProbeError { endpoint: self.endpoint.clone(), cause: failure.clone().into() }),
            Some(Ok(presented)) => Ok(presented),
            None => Err(no_address(&self.endpoint)),
        }
    }
}

impl Prober {
    /// Looks where `policy` allows, straight, with TLS from the first byte, making every offer.
    #[must_use]
    pub fn new(policy: AddressPolicy) -> Self {
        Self {
            policy,
            resolver: Arc::new(SystemResolver),
            proxy: None,
            start_tls: None,
            server_name: None,
            family: None,
            offers: Offer::ALL.to_vec(),
            connection_limit: CONNECTION_LIMIT,
            probe_limit: PROBE_LIMIT,
        }
    }

    /// Asks this resolver instead of the operating system's.
    #[must_use]
    pub fn with_resolver(mut self, resolver: Arc<dyn Resolve>) -> Self {
        self.resolver = resolver;
        self
    }

    /// Goes through a proxy. Where the policy restricts, names are still resolved here and the proxy is given the address
    /// that was checked; else it is given the name, as company networks expect.
    #[must_use]
    pub fn through(mut self, proxy: Proxy) -> Self {
        self.proxy = Some(proxy);
        self
    }

    /// Begins in the clear with this protocol.
    #[must_use]
    pub fn with_start_tls(mut self, protocol: StartTls) -> Self {
        self.start_tls = Some(protocol);
        self
    }

    /// Asks for this name (SNI) instead of the endpoint's host.
    #[must_use]
    pub fn with_server_name(mut self, name: HostName) -> Self {
        self.server_name = Some(name);
        self
    }

    /// Leaves addresses of the other family out.
    #[must_use]
    pub fn with_family(mut self, family: Family) -> Self {
        self.family = Some(family);
        self
    }

    /// Makes these offers, one handshake each, instead of [`Offer::ALL`]. The first one decides whether an address answers.
    #[must_use]
    pub fn with_offers(mut self, offers: &[Offer]) -> Self {
        self.offers = offers.to_vec();
        self
    }

    /// Other limits than [`CONNECTION_LIMIT`] for each connection and [`PROBE_LIMIT`] for all of it.
    #[must_use]
    pub fn with_limits(mut self, connection: Duration, probe: Duration) -> Self {
        (self.connection_limit, self.probe_limit) = (connection, probe);
        self
    }

    /// Looks at every address of `endpoint`, at all of them at once. The name is resolved once, each address is judged by the
    /// policy, and the connections go to the very addresses that were judged.
    ///
    /// # Errors
    /// [`ProbeError`] when there is no address to look at. What an address does wrong is its [`Sight`].
    pub async fn probe(&self, endpoint: &Endpoint) -> Result<Survey, ProbeError> {
        let failed = |cause| ProbeError { endpoint: endpoint.clone(), cause };
        self.policy.check_port(endpoint.port).map_err(|error| failed(SightError::from(error).into()))?;
        let deadline = Instant::now() + self.probe_limit;
        let sights = if self.proxy.is_some() && !self.policy.is_restricted() {
            self.look(Target::Name(endpoint), endpoint, deadline).await
        } else {
            let addresses = match timeout_at(deadline, self.resolve(endpoint)).await {
                Ok(resolved) => resolved.map_err(|error| failed(ProbeFailure::Name(error.into())))?,
                Err(_) => return Err(failed(ProbeFailure::Name(io::Error::from(io::ErrorKind::TimedOut).into()))),
            };
            let looks = addresses.into_iter().map(|address| self.look(Target::Address(address), endpoint, deadline));
            join_all(looks).await.concat()
        };
        if sights.is_empty() { Err(no_address(endpoint)) } else { Ok(Survey { endpoint: endpoint.clone(), sights }) }
    }

    async fn resolve(&self, endpoint: &Endpoint) -> io::Result<Vec<SocketAddr>> {
        let resolved = match endpoint.address() {
            Some(address) => vec![address.ip()],
            None => self.resolver.resolve(&endpoint.host.to_string()).await?,
        };
        let mut seen = BTreeSet::new();
        let wanted = resolved.into_iter().filter(|&address| self.wants(address) && seen.insert(address));
        Ok(wanted.take(MAX_ADDRESSES).map(|address| SocketAddr::new(address, endpoint.port)).collect())
    }

    fn wants(&self, address: IpAddr) -> bool {
        self.family.is_none_or(|family| (family == Family::V4) == address.is_ipv4())
    }

    /// Makes the offers to one address, one after another, and puts equal answers together.
    async fn look(&self, target: Target<'_>, endpoint: &Endpoint, deadline: Instant) -> Vec<Sight> {
        let address = match target {
            Target::Address(address) => Some(address),
            Target::Name(_) => None,
        };
        let mut sights: Vec<Sight> = Vec::new();
        for &offer in &self.offers {
            let implied = sights.iter_mut().find(|sight| {
                sight.offers.contains(&Offer::Any)
                    && sight.outcome.as_ref().is_ok_and(|presented| offer.is_implied_by(presented))
            });
            if let Some(sight) = implied {
                sight.offers.push(offer);
                continue;
            }
            let outcome = self.shake_hands(&target, endpoint, offer, deadline).await;
            let is_first = sights.is_empty();
            let alike = sights.iter_mut().find(|sight| match (&sight.outcome, &outcome) {
                (Ok(earlier), Ok(now)) => earlier.chain == now.chain,
                _ => false,
            });
            match (alike, &outcome) {
                (Some(sight), _) => sight.offers.push(offer),
                (None, Ok(_)) => sights.push(Sight { address, offers: vec![offer], outcome }),
                // The other offers would fare no better, and each would cost its time.
                (None, Err(_)) if is_first => return vec![Sight { address, offers: vec![offer], outcome }],
                // It answers, but has nothing for this offer.
                (None, Err(_)) => {}
            }
        }
        sights
    }

    async fn shake_hands(
        &self,
        target: &Target<'_>,
        endpoint: &Endpoint,
        offer: Offer,
        deadline: Instant,
    ) -> Result<Presented, SightError> {
        if let Target::Address(address) = target {
            self.policy.check(*address)?;
        }
        let server_name = server_name(self.server_name.as_ref().unwrap_or(&endpoint.host))?;
        let limit = self.connection_limit.min(deadline.saturating_duration_since(Instant::now()));
        let attempt = async {
            let mut connection = match (&self.proxy, target) {
                (Some(proxy), target) => proxy.connect(target).await?,
                (None, Target::Address(address)) => connect_directly(*address).await?,
                // Without a proxy names were resolved.
                (None, Target::Name(_)) => {
                    return Err(SightError::Connect(io::Error::from(io::ErrorKind::Unsupported).into()));
                }
            };
            if let Some(protocol) = self.start_tls {
                protocol.start(&mut connection).await?;
            }
            shake_hands(connection, server_name, offer).await
        };
        timeout(limit, Box::pin(attempt)).await.unwrap_or(Err(SightError::TimedOut(limit)))
    }
}

fn server_name(host: &HostName) -> Result<ServerName<'static>, SightError> {
    match host {
        HostName::Dns(name) => ServerName::try_from(name.as_str().to_owned())
            .map_err(|error| SightError::Handshake(io::Error::new(io::ErrorKind::InvalidInput, error).into())),
        HostName::V4(address) => Ok(ServerName::IpAddress((*address).into())),
        HostName::V6(address) => Ok(ServerName::IpAddress((*address).into())),
    }
}

fn no_address(endpoint: &Endpoint) -> ProbeError {
    let error = io::Error::new(io::ErrorKind::NotFound, "the name has none");
    ProbeError { endpoint: endpoint.clone(), cause: ProbeFailure::Name(error.into()) }
}
