use ipnet::IpNet;
use pintle_discover::AddressPolicy;
use pintle_service::AlertSettings;

use super::options::Options;

/// When members are told.
#[derive(Clone, Debug)]
pub struct AlertsConfig {
    /// So many days before something ends.
    pub days: Vec<u64>,
    /// From this hour on, UTC, a day's digest is sent.
    pub digest_hour: u64,
    /// Hours that a probe agent may be silent.
    pub agent_silent_hours: u64,
}

/// Where webhooks may lead.
#[derive(Clone, Debug)]
pub struct WebhooksConfig {
    /// Networks that they may lead to although they are not public.
    pub networks: Vec<IpNet>,
    /// Ports besides 443 and 8443.
    pub ports: Vec<u16>,
}

impl AlertsConfig {
    pub(super) fn read(options: &mut Options) -> Self {
        let config = Self {
            days: options.value(
                "alerts.days",
                vec![30, 14, 7, 1],
                "How many days before a certificate, a pin or the published release ends members are told",
            ),
            digest_hour: options.number(
                "alerts.digest_hour",
                7,
                0..=23,
                "The hour, UTC, from which on the daily mail is sent to members who chose one",
            ),
            agent_silent_hours: options.number(
                "alerts.agent_silent_hours",
                26,
                1..=8760,
                "Hours after which members are told that a probe agent reports nothing any more",
            ),
        };
        if config.days.is_empty() || config.days.iter().any(|days| !(1..=3650).contains(days)) {
            options.refuse("alerts.days", "no list of days from 1 to 3650", "write it as [30, 14, 7, 1]");
        }
        config
    }

    pub(crate) fn to_settings(&self) -> AlertSettings {
        AlertSettings::new(self.days.clone(), self.digest_hour).with_agent_silence(self.agent_silent_hours)
    }
}

impl WebhooksConfig {
    pub(super) fn read(options: &mut Options) -> Self {
        Self {
            networks: options.value(
                "webhooks.networks",
                Vec::new(),
                "Networks that webhooks may lead to although they are not public, there by plain http, too; whoever manages \
                 webhooks can make the server send there",
            ),
            ports: options.value("webhooks.ports", Vec::new(), "Ports that webhooks may lead to besides 443 and 8443"),
        }
    }

    pub(crate) fn policy(&self) -> AddressPolicy {
        AddressPolicy::public().with_networks(self.networks.iter().copied()).with_ports(self.ports.iter().copied())
    }
}
