use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// The ports that serve HTTPS for the public; where a policy restricts, others must be named.
pub const PUBLIC_PORTS: &[u16] = &[443, 8443];

/// Where connections may go when a stranger chose the destination (server-side request forgery).
///
/// A name proves nothing about where it leads, so what is judged is the *address*, after resolution, and the connection
/// goes to the very address that was judged. IPv6 is judged by what is known to be public, IPv4 by what is known not to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressPolicy {
    /// None: everywhere.
    restriction: Option<Restriction>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Restriction {
    allowed: Vec<IpNet>,
    ports: Vec<u16>,
}

/// A destination that an [`AddressPolicy`] does not allow. It names no address: to a stranger, where an internal name
/// leads is already an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DestinationError {
    /// Not an address of the public internet, and not allowed besides.
    #[error("it leads to an address that is not on the public internet")]
    Address,
    /// Not one of the ports allowed.
    #[error("port {0} is not one that is looked at")]
    Port(u16),
}

impl AddressPolicy {
    /// Everywhere: for the machine of the person who chose the destination.
    #[must_use]
    pub fn anywhere() -> Self {
        Self { restriction: None }
    }

    /// The public internet on [`PUBLIC_PORTS`], and nothing else: for a server that connects where others say.
    #[must_use]
    pub fn public() -> Self {
        Self { restriction: Some(Restriction { allowed: Vec::new(), ports: PUBLIC_PORTS.to_vec() }) }
    }

    /// These networks too, although they are not public: an operator's own.
    #[must_use]
    pub fn with_networks(mut self, networks: impl IntoIterator<Item = IpNet>) -> Self {
        if let Some(restriction) = &mut self.restriction {
            restriction.allowed.extend(networks);
        }
        self
    }

    /// Whether any network is allowed that is not public.
    pub fn has_networks(&self) -> bool {
        self.restriction.as_ref().is_none_or(|restriction| !restriction.allowed.is_empty())
    }

    /// These ports too.
    #[must_use]
    pub fn with_ports(mut self, ports: impl IntoIterator<Item = u16>) -> Self {
        if let Some(restriction) = &mut self.restriction {
            restriction.ports.extend(ports);
        }
        self
    }

    /// Whether anything is refused at all.
    #[must_use]
    pub fn is_restricted(&self) -> bool {
        self.restriction.is_some()
    }

    /// Judges one address and port.
    ///
    /// # Errors
    /// [`DestinationError`].
    pub fn check(&self, destination: SocketAddr) -> Result<(), DestinationError> {
        self.check_port(destination.port())?;
        let Some(restriction) = &self.restriction else { return Ok(()) };
        let address = unwrap_mapped(destination.ip());
        let is_allowed = restriction.allowed.iter().any(|network| network.contains(&address));
        if is_allowed || is_public(address) { Ok(()) } else { Err(DestinationError::Address) }
    }

    /// Judges a port, before a name is resolved.
    ///
    /// # Errors
    /// [`DestinationError::Port`].
    pub fn check_port(&self, port: u16) -> Result<(), DestinationError> {
        match &self.restriction {
            Some(restriction) if !restriction.ports.contains(&port) => Err(DestinationError::Port(port)),
            _ => Ok(()),
        }
    }
}

/// An IPv4 address in IPv6 clothes (RFC 4291 §2.5.5.2) goes where the IPv4 address goes.
fn unwrap_mapped(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !NOT_PUBLIC_V4.iter().any(|network| network.contains(&address)),
        IpAddr::V6(address) if NAT64.contains(&address) => is_public(IpAddr::V4(embedded_v4(address))),
        IpAddr::V6(address) => {
            GLOBAL_UNICAST.contains(&address) && !NOT_PUBLIC_V6.iter().any(|network| network.contains(&address))
        }
    }
}

/// The last 32 bits.
fn embedded_v4(address: Ipv6Addr) -> Ipv4Addr {
    let [.., a, b, c, d] = address.octets();
    Ipv4Addr::new(a, b, c, d)
}

const fn v4(a: u8, b: u8, c: u8, d: u8, length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

const fn v6(a: u16, b: u16, length: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0), length)
}

/// IANA's IPv4 special-purpose registry, multicast, and what clouds hide behind public-looking addresses.
const NOT_PUBLIC_V4: &[Ipv4Net] = &[
    v4(0, 0, 0, 0, 8),        // "this network": Linux takes it for loopback
    v4(10, 0, 0, 0, 8),       // private
    v4(100, 64, 0, 0, 10),    // carrier-grade NAT; a cloud's metadata at 100.100.100.200
    v4(127, 0, 0, 0, 8),      // loopback
    v4(168, 63, 129, 16, 32), // Azure's host agent
    v4(169, 254, 0, 0, 16),   // link-local; most clouds' metadata at 169.254.169.254
    v4(172, 16, 0, 0, 12),    // private
    v4(192, 0, 0, 0, 24),     // protocol assignments; a cloud's metadata at 192.0.0.192
    v4(192, 0, 2, 0, 24),     // documentation
    v4(192, 88, 99, 0, 24),   // 6to4 relays
    v4(192, 168, 0, 0, 16),   // private
    v4(198, 18, 0, 0, 15),    // benchmarking
    v4(198, 51, 100, 0, 24),  // documentation
    v4(203, 0, 113, 0, 24),   // documentation
    v4(224, 0, 0, 0, 4),      // multicast
    v4(240, 0, 0, 0, 4),      // reserved, broadcast
];

/// Everything IANA has given out for global unicast. Loopback, unique local (clouds' IPv6 metadata), link-local, multicast
/// and local NAT64 prefixes lie outside.
const GLOBAL_UNICAST: Ipv6Net = v6(0x2000, 0, 3);
/// RFC 6052: as public as the IPv4 address inside.
const NAT64: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);
/// What in [`GLOBAL_UNICAST`] is not public, or leads into IPv4 by a way of its own.
const NOT_PUBLIC_V6: &[Ipv6Net] = &[
    v6(0x2001, 0, 23),     // protocol assignments: Teredo, benchmarking, ORCHID
    v6(0x2001, 0xdb8, 32), // documentation
    v6(0x2002, 0, 16),     // 6to4
    v6(0x3fff, 0, 20),     // documentation
];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(policy: &AddressPolicy, address: &str) -> Result<(), DestinationError> {
        policy.check(SocketAddr::new(address.parse().unwrap(), 443))
    }

    #[test]
    fn refuses_every_kind_of_address_that_is_not_public() {
        let policy = AddressPolicy::public();
        for address in [
            // private, loopback, "this network", link-local and metadata, carrier-grade NAT
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "127.0.0.1",
            "127.255.0.1",
            "0.0.0.0",
            "169.254.169.254",
            "100.64.0.1",
            "100.100.100.200",
            "192.0.0.192",
            "168.63.129.16",
            // documentation, benchmarking, multicast, reserved
            "192.0.2.1",
            "198.51.100.1",
            "203.0.113.1",
            "198.18.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            // IPv6: unspecified, loopback, unique local and metadata, link-local, site-local, multicast, documentation
            "::",
            "::1",
            "fd00:ec2::254",
            "fc00::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2001:db8::1",
            "3fff::1",
            // IPv4 in IPv6: mapped, compatible, translated, NAT64 well-known and local, 6to4, Teredo
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "::ffff:0:10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::a00:1",
            "2002:7f00:1::",
            "2002:a00:1::1",
            "2001:0:7f00:1::1",
        ] {
            assert_eq!(check(&policy, address), Err(DestinationError::Address), "{address}");
        }
    }

    #[test]
    fn allows_the_public_internet() {
        for address in ["1.1.1.1", "9.9.9.9", "172.15.0.1", "172.32.0.1", "100.63.0.1", "100.128.0.1", "168.63.129.17"]
            .into_iter()
            .chain(["2606:4700::1111", "2a00:1450::1", "::ffff:1.1.1.1", "64:ff9b::101:101"])
        {
            assert_eq!(check(&AddressPolicy::public(), address), Ok(()), "{address}");
        }
    }

    #[test]
    fn an_operator_may_allow_a_network_and_that_network_only() {
        let policy = AddressPolicy::public().with_networks(["10.1.0.0/16".parse().unwrap()]);
        for address in ["10.1.2.3", "::ffff:10.1.2.3"] {
            assert_eq!(check(&policy, address), Ok(()), "{address}");
        }
        for address in ["10.2.0.1", "127.0.0.1", "::ffff:10.2.0.1"] {
            assert_eq!(check(&policy, address), Err(DestinationError::Address), "{address}");
        }
    }

    #[test]
    fn looks_at_named_ports_only() {
        let policy = AddressPolicy::public();
        assert_eq!(policy.check("1.1.1.1:8443".parse().unwrap()), Ok(()));
        for port in [22, 25, 80, 5432] {
            let destination = SocketAddr::new("1.1.1.1".parse().unwrap(), port);
            assert_eq!(policy.check(destination), Err(DestinationError::Port(port)));
            assert_eq!(policy.clone().with_ports([port]).check(destination), Ok(()));
        }
    }

    #[test]
    fn a_person_goes_where_a_person_wants() {
        for address in ["127.0.0.1:22", "[::1]:1", "169.254.169.254:80"] {
            assert_eq!(AddressPolicy::anywhere().check(address.parse().unwrap()), Ok(()), "{address}");
        }
    }
}
