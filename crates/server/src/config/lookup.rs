use ipnet::IpNet;
use pintle_discover::AddressPolicy;

use super::options::Options;

/// Looking up certificates for whoever asks.
#[derive(Clone, Debug)]
pub struct LookupConfig {
    /// Whether anybody may.
    pub enabled: bool,
    /// Networks that may be looked at although they are not public.
    pub networks: Vec<IpNet>,
    /// Ports besides 443 and 8443.
    pub ports: Vec<u16>,
    /// Lookups per minute from one address.
    pub address_per_minute: u32,
}

impl LookupConfig {
    pub(super) fn read(options: &mut Options) -> Self {
        Self {
            enabled: options.value(
                "lookup.enabled",
                true,
                "Whether anybody may have the server look up the certificates of a public host",
            ),
            networks: options.value(
                "lookup.networks",
                Vec::new(),
                "Networks that may be looked at although they are not public; everybody who reaches the API can then look",
            ),
            ports: options.value("lookup.ports", Vec::new(), "Ports that may be looked at besides 443 and 8443"),
            address_per_minute: options.number(
                "lookup.address_per_minute",
                10,
                0..=1_000_000,
                "Lookups per minute from one address (of IPv6, from one /64); 0 for no limit",
            ),
        }
    }

    /// Where lookups may go; nowhere if nobody may look.
    pub(crate) fn policy(&self) -> Option<AddressPolicy> {
        let networks = self.networks.iter().copied();
        self.enabled.then(|| AddressPolicy::public().with_networks(networks).with_ports(self.ports.iter().copied()))
    }
}
