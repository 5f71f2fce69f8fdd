//! Who is at the other end, as far as anybody may know: the address is read here, and dropped here.
//!
//! Handlers see a [`ClientNetwork`], which is coarse enough to be written down, and an [`AddressKey`], which means nothing
//! outside this process. Nothing else of the server ever holds a client's address.

use std::{
    fmt,
    hash::{BuildHasher as _, Hash, RandomState},
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, header},
    middleware::Next,
    response::Response,
};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::config::{ForwardedHeader, ProxyConfig};

/// Where a connection comes from: the client, or a proxy before it.
#[derive(Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// The client's network: the first 24 bits of an IPv4 address, the first 48 of an IPv6 one. All that may be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClientNetwork(IpNet);

/// Stands for a client's address in rate limits, in this process alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct AddressKey(pub(crate) u64);

impl ClientNetwork {
    fn of(address: IpAddr) -> Self {
        let network = match address {
            IpAddr::V4(address) => Ipv4Net::new_assert(address, 24).trunc().into(),
            IpAddr::V6(address) => Ipv6Net::new_assert(address, 48).trunc().into(),
        };
        Self(network)
    }
}

impl fmt::Display for ClientNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Which proxies are believed, and what they say.
#[derive(Debug)]
pub(crate) struct Clients {
    proxy: ProxyConfig,
    /// Random, and kept in memory alone: who reads a key learns no address from it.
    hasher: RandomState,
}

impl Clients {
    pub(crate) fn new(proxy: ProxyConfig) -> Self {
        Self { proxy, hasher: RandomState::new() }
    }

    pub(crate) fn is_proxy(&self, address: IpAddr) -> bool {
        self.proxy.trusted.iter().any(|network| network.contains(&address))
    }

    /// One for all addresses that a single client may well have: an IPv6 host is given 64 bits to choose from.
    pub(crate) fn address_key(&self, address: IpAddr) -> AddressKey {
        let counted = match address {
            IpAddr::V4(_) => address,
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from(u128::from(address) & !u128::from(u64::MAX))),
        };
        AddressKey(self.hasher.hash_one(counted))
    }

    /// A key of the same kind for something else, as a token.
    pub(crate) fn key(&self, what: impl Hash) -> u64 {
        self.hasher.hash_one(what)
    }

    /// The client's address. What proxies wrote is read from the right, where the nearest one wrote: the first address
    /// that is no trusted proxy is the client, whatever else stands to its left, because a client can write that itself.
    fn find_client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut nearest = peer;
        let hops = headers.get_all(self.proxy.header.name()).iter().rev();
        let hops = hops.flat_map(|value| value.as_bytes().rsplit(|byte| *byte == b','));
        for hop in hops {
            if !self.is_proxy(nearest) {
                break;
            }
            let Some(address) = std::str::from_utf8(hop).ok().and_then(|hop| self.proxy.header.parse_hop(hop)) else {
                break;
            };
            nearest = address;
        }
        nearest
    }
}

impl ForwardedHeader {
    fn name(self) -> HeaderName {
        match self {
            Self::XForwardedFor => HeaderName::from_static("x-forwarded-for"),
            Self::Forwarded => header::FORWARDED,
        }
    }

    /// The address in what one proxy wrote; none where it hides it (`for=unknown`) or wrote something else.
    fn parse_hop(self, hop: &str) -> Option<IpAddr> {
        let text = match self {
            Self::XForwardedFor => hop,
            Self::Forwarded => hop.split(';').find_map(|pair| {
                let (name, value) = pair.split_once('=')?;
                name.trim().eq_ignore_ascii_case("for").then(|| value.trim().trim_matches('"'))
            })?,
        };
        let text = text.trim();
        let bare = || text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text).parse().ok();
        let address: IpAddr = text.parse::<SocketAddr>().map(|address| address.ip()).ok().or_else(bare)?;
        Some(address.to_canonical())
    }
}

/// Tells the rest of the server what it may know of the client, and takes everything else away.
pub(crate) async fn identify(State(clients): State<Arc<Clients>>, mut request: Request, next: Next) -> Response {
    // Without a peer nothing is believed and everybody is one.
    let peer = request.extensions_mut().remove::<Peer>().map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |Peer(peer)| peer);
    let client = clients.find_client(peer, request.headers());
    let headers = request.headers_mut();
    for name in ["forwarded", "x-forwarded-for", "x-real-ip"] {
        headers.remove(name);
    }
    let is_acceptable = |id: &[u8]| {
        (8..=64).contains(&id.len()) && id.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
    };
    // An id of a stranger's choice could be somebody else's, or a line of the log.
    if !clients.is_proxy(peer) || !headers.get("x-request-id").is_some_and(|id| is_acceptable(id.as_bytes())) {
        headers.remove("x-request-id");
    }
    request.extensions_mut().insert(ClientNetwork::of(client));
    request.extensions_mut().insert(clients.address_key(client));
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(header: ForwardedHeader, trusted: &[&str], peer: &str, values: &[&str]) -> String {
        let trusted = trusted.iter().map(|network| network.parse().unwrap()).collect();
        let clients = Clients::new(ProxyConfig { trusted, header });
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header.name(), value.parse().unwrap());
        }
        clients.find_client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn only_what_trusted_proxies_wrote_counts() {
        let x = |trusted: &[&str], peer, values: &[&str]| find(ForwardedHeader::XForwardedFor, trusted, peer, values);
        assert_eq!(x(&[], "198.51.100.7", &["203.0.113.9"]), "198.51.100.7", "nobody is trusted");
        let proxies = ["10.0.0.0/8", "fd00::/8"];
        assert_eq!(x(&proxies, "198.51.100.7", &["203.0.113.9"]), "198.51.100.7", "past the proxy");
        assert_eq!(x(&proxies, "10.0.0.1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(x(&proxies, "10.0.0.1", &["1.2.3.4, 203.0.113.9"]), "203.0.113.9", "written by the client");
        assert_eq!(x(&proxies, "10.0.0.1", &["1.2.3.4", "203.0.113.9, 10.0.0.2"]), "203.0.113.9", "two proxies");
        assert_eq!(x(&proxies, "10.0.0.1", &["10.9.9.9, 203.0.113.9"]), "203.0.113.9", "posing as a proxy");
        assert_eq!(x(&proxies, "10.0.0.1", &["203.0.113.9:4711"]), "203.0.113.9");
        assert_eq!(x(&proxies, "10.0.0.1", &["[2001:db8::1]:4711"]), "2001:db8::1");
        assert_eq!(x(&proxies, "10.0.0.1", &["::ffff:203.0.113.9"]), "203.0.113.9");
        assert_eq!(x(&proxies, "10.0.0.1", &["203.0.113.9, unknown"]), "10.0.0.1", "the proxy does not tell");
        assert_eq!(x(&proxies, "10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn the_standard_header_is_read_if_it_is_the_one() {
        let f = |values: &[&str]| find(ForwardedHeader::Forwarded, &["10.0.0.0/8"], "10.0.0.1", values);
        assert_eq!(f(&["for=203.0.113.9;proto=https;by=10.0.0.1"]), "203.0.113.9");
        assert_eq!(f(&["proto=https; For=\"[2001:db8:cafe::17]:4711\""]), "2001:db8:cafe::17");
        assert_eq!(f(&["for=1.2.3.4, for=203.0.113.9"]), "203.0.113.9");
        assert_eq!(f(&["for=\"1.2.3.4", "for=203.0.113.9"]), "203.0.113.9", "an open quote swallows nothing");
        assert_eq!(f(&["for=_hidden"]), "10.0.0.1");
        let other = find(ForwardedHeader::XForwardedFor, &["10.0.0.0/8"], "10.0.0.1", &[]);
        assert_eq!(other, "10.0.0.1", "the other header is the client's own");
    }

    #[test]
    fn a_network_says_less_than_an_address() {
        let network = |address: &str| ClientNetwork::of(address.parse().unwrap()).to_string();
        assert_eq!(network("203.0.113.9"), "203.0.113.0/24");
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1::/48");
    }

    #[test]
    fn keys_are_this_processs_own_and_one_ipv6_host_has_one() {
        let (here, there) = (Clients::new(ProxyConfig::default()), Clients::new(ProxyConfig::default()));
        let key = |clients: &Clients, address: &str| clients.address_key(address.parse().unwrap());
        assert_eq!(key(&here, "2001:db8::1"), key(&here, "2001:db8::2"));
        assert_ne!(key(&here, "2001:db8::1"), key(&here, "2001:db8:0:1::1"));
        assert_ne!(key(&here, "203.0.113.9"), key(&here, "203.0.113.8"));
        assert_ne!(key(&here, "203.0.113.9"), key(&there, "203.0.113.9"));
    }
}
