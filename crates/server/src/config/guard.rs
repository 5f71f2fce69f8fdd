use std::{io, path::PathBuf, sync::Arc, time::Duration};

use ipnet::IpNet;
use pintle_service::guard::{AddressPolicy, GuardSettings, LookSettings, load_roots};

use super::{
    certificates::{check_certificates, load_certificates},
    options::Options,
};

/// How the safe-publish guard looks at live servers.
#[derive(Clone, Debug)]
pub struct GuardConfig {
    /// Whether it looks at all.
    pub look: bool,
    /// For all endpoints of a release together.
    pub timeout: Duration,
    /// Files of root certificates that apps trust besides those of this machine.
    pub roots: Vec<PathBuf>,
    /// Networks it may connect to although they are not public.
    pub networks: Vec<IpNet>,
    /// Ports it may connect to besides 443 and 8443.
    pub ports: Vec<u16>,
}

impl GuardConfig {
    pub(super) fn read(options: &mut Options) -> Self {
        let config = Self {
            look: options.value(
                "guard.look",
                true,
                "Whether the safe-publish guard connects to the servers of a release; without it, it judges the file alone",
            ),
            timeout: Duration::from_secs(options.number(
                "guard.timeout_secs",
                10,
                1..=15,
                "How long the guard may look at all servers of a release together",
            )),
            roots: options.value(
                "guard.roots",
                Vec::new(),
                "Files of root certificates (PEM) that apps trust besides those of this machine: private CAs",
            ),
            networks: options.value(
                "guard.networks",
                Vec::new(),
                "Networks the guard may connect to although they are not public; whoever edits a draft can make it do so",
            ),
            ports: options.value(
                "guard.ports",
                Vec::new(),
                "Ports the guard may connect to besides 443 and 8443",
            ),
        };
        for path in &config.roots {
            check_certificates(options, "guard_roots_unusable", "guard.roots", path);
        }
        config
    }

    /// As the service takes it.
    ///
    /// # Errors
    /// The file of roots that cannot be read.
    pub(crate) fn to_settings(&self) -> io::Result<GuardSettings> {
        let mut extra = Vec::new();
        for path in &self.roots {
            extra.extend(load_certificates(path)?);
        }
        let policy = AddressPolicy::public().with_networks(self.networks.clone()).with_ports(self.ports.clone());
        let look = LookSettings { total_limit: self.timeout, ..LookSettings::new(policy) };
        Ok(GuardSettings { look: self.look.then_some(look), roots: Arc::new(load_roots(&extra)) })
    }
}
