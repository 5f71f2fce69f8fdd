use super::options::Options;

/// Collecting the violations that apps report.
#[derive(Clone, Debug)]
pub struct ReportsConfig {
    /// Whether reports are taken.
    pub enabled: bool,
    /// Reports per minute from one address.
    pub address_per_minute: u32,
}

impl ReportsConfig {
    pub(super) fn read(options: &mut Options) -> Self {
        Self {
            enabled: options.value(
                "reports.enabled",
                false,
                "Whether `POST /reports`, beside the published files, takes what apps report of violations",
            ),
            address_per_minute: options.number(
                "reports.address_per_minute",
                60,
                0..=1_000_000,
                "Reports per minute from one address (of IPv6, from one /64); 0 for no limit",
            ),
        }
    }
}
