use std::time::Duration;

use pintle_discover::AddressPolicy;
use pintle_service::{MonitorSettings, guard::LookSettings};

use super::{GuardConfig, options::Options};

/// One domain may have sixteen hosts with sixteen addresses each; what takes longer is as good as gone.
const LOOK_LIMIT: Duration = Duration::from_secs(60);
/// Hosts of one domain that are looked at side by side.
const HOSTS_AT_ONCE: usize = 4;

/// How the drift monitor looks at the world.
#[derive(Clone, Debug)]
pub struct MonitorConfig {
    /// Whether it looks at all.
    pub enabled: bool,
    /// Seconds from one look at a domain to the next.
    pub interval_secs: u64,
    /// Domains looked at side by side.
    pub concurrency: usize,
}

impl MonitorConfig {
    pub(super) fn read(options: &mut Options) -> Self {
        Self {
            enabled: options.value(
                "monitor.enabled",
                true,
                "Whether the server looks by itself whether the servers of live releases still serve what is pinned; where \
                 it may connect, `guard.networks` and `guard.ports` say",
            ),
            interval_secs: options.number(
                "monitor.interval_secs",
                3600,
                60..=604_800,
                "From one look at a domain to the next; what is not sure yet is looked at again after a minute",
            ),
            concurrency: options.number(
                "monitor.concurrency",
                32,
                1..=1000,
                "Domains that are looked at side by side; each takes some connections and at most a few MB",
            ),
        }
    }

    /// As the service takes it; nothing where it is switched off.
    pub(crate) fn to_settings(&self, guard: &GuardConfig) -> Option<MonitorSettings> {
        let policy = AddressPolicy::public().with_networks(guard.networks.clone()).with_ports(guard.ports.clone());
        let look = LookSettings { concurrency: HOSTS_AT_ONCE, total_limit: LOOK_LIMIT, ..LookSettings::new(policy) };
        let (interval_secs, concurrency) = (self.interval_secs, self.concurrency);
        self.enabled.then_some(MonitorSettings { look, interval_secs, concurrency })
    }
}
