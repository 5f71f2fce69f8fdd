use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use serde::Deserialize;

/// How a server runs. Members left out of a file have the values of [`ServerConfig::default`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerConfig {
    /// Address and port to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Directory of the database; created where it is missing. One server at a time uses it.
    pub data_dir: PathBuf,
    /// URL under which clients reach this server, `https://…`. Needed unless it listens on loopback.
    pub public_url: Option<String>,
    /// Base URL that apps embed; `{public_url}/cdn` unless files are served from elsewhere.
    pub cdn_url: Option<String>,
    /// Directories that get every release besides the built-in origin.
    pub publish_dirs: Vec<PathBuf>,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8440),
            data_dir: PathBuf::from("pintle-data"),
            public_url: None,
            cdn_url: None,
            publish_dirs: Vec::new(),
        }
    }
}
