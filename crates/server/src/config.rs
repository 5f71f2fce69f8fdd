//! How a server runs: options from a file, the environment and the command line.
//!
//! A section is a struct with a `read` that asks [`Options`] for each of its members; asking is declaring. To add one,
//! write such a struct, read it in [`ServerConfig::read`], and let `UPDATE_DOCS=1 cargo test -p pintle-server
//! configuration` rewrite the table in `docs/operations/configuration.md`.

mod options;
mod source;
mod value;

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use pintle_core::root::BaseUrl;
use pintle_store::DatabaseUrl;

pub use options::{ConfigProblem, EffectiveOption};
pub use source::{ConfigFile, ConfigFlag, ConfigSources, Origin};

use options::Options;
use value::{OptionValue, parse_one};

/// How a server runs.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Address and port to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Directory of the SQLite database; created where it is missing. One server at a time uses it.
    pub data_dir: PathBuf,
    /// The database; `pintle.db` in the data directory unless it is another. Several servers may share a PostgreSQL.
    pub database: Option<DatabaseUrl>,
    /// URL under which clients reach this server, `https://…`. Needed unless it listens on loopback.
    pub public_url: Option<BaseUrl>,
    /// Base URL that apps embed; `{public_url}/cdn` unless files are served from elsewhere.
    pub cdn_url: Option<BaseUrl>,
    /// Directories that get every release besides the built-in origin.
    pub publish_dirs: Vec<PathBuf>,
    /// Bounds on clients.
    pub http: HttpConfig,
    /// What is logged, and how.
    pub log: LogConfig,
}

/// Bounds on clients.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    /// Most connections at once, per listener.
    pub connections: usize,
}

/// What is logged, and how.
#[derive(Clone, Debug)]
pub struct LogConfig {
    /// As in `info` or `warn,pintle_server=debug`.
    pub filter: String,
    /// How lines are written.
    pub format: LogFormat,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// What became of the sources: the options in force, and everything that is wrong with them.
#[derive(Clone, Debug)]
pub struct LoadedConfig {
    /// Usable only where there are no problems.
    config: ServerConfig,
    /// Every option in the order of the documents.
    pub options: Vec<EffectiveOption>,
    /// Why the server would not start.
    pub problems: Vec<ConfigProblem>,
    /// What it would start with all the same.
    pub warnings: Vec<ConfigProblem>,
}

impl LoadedConfig {
    /// The configuration.
    ///
    /// # Errors
    /// Everything that is wrong with it, at once.
    pub fn into_config(self) -> Result<ServerConfig, Vec<ConfigProblem>> {
        if self.problems.is_empty() { Ok(self.config) } else { Err(self.problems) }
    }

    /// The configuration to be looked at further, whatever is wrong with it.
    pub fn unchecked(&self) -> &ServerConfig {
        &self.config
    }
}

impl ServerConfig {
    /// Reads every source to its end, whatever is wrong on the way.
    #[must_use]
    pub fn load(sources: &ConfigSources) -> LoadedConfig {
        let mut options = Options::open(sources);
        let config = Self::read(&mut options);
        config.check(&mut options);
        options.finish();
        LoadedConfig { config, options: options.declared, problems: options.problems, warnings: options.warnings }
    }

    /// Every option there is, with its default.
    #[must_use]
    pub fn document() -> Vec<EffectiveOption> {
        let mut options = Options::document();
        Self::read(&mut options);
        options.declared
    }

    fn read(options: &mut Options) -> Self {
        Self {
            listen: options.value(
                "listen",
                SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8440),
                "Address and port to listen on; port 0 takes a free one",
            ),
            data_dir: options.value(
                "data_dir",
                PathBuf::from("pintle-data"),
                "Directory of the SQLite database, made if it is missing; one server at a time uses it",
            ),
            database: options.optional(
                "database",
                "`pintle.db` in the data directory",
                "The database: sqlite:PATH, or postgres://USER@HOST/NAME, which several servers may share",
            ),
            public_url: options.optional(
                "public_url",
                "the address listened on, if that is loopback",
                "The https URL under which clients reach the server; needed unless it listens on loopback",
            ),
            cdn_url: options.optional("cdn_url", "the public URL and `/cdn`", "Base URL that apps embed"),
            publish_dirs: options.value(
                "publish_dirs",
                Vec::new(),
                "Directories that get every release besides the built-in origin",
            ),
            http: HttpConfig::read(options),
            log: LogConfig::read(options),
        }
    }

    /// What no option alone can tell.
    fn check(&self, options: &mut Options) {
        if self.public_url.is_none() && !self.listen.ip().is_loopback() {
            let message = format!("it is needed to listen on {}, which is not a loopback address", self.listen);
            let hint = "set it to the https URL under which clients reach this server";
            options.report("public_url_missing", "public_url", &message, hint);
        }
    }
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self::read(&mut Options::open(&ConfigSources::default()))
    }
}

impl HttpConfig {
    fn read(options: &mut Options) -> Self {
        Self {
            connections: options.number(
                "http.connections",
                4096,
                1..=1_000_000,
                "Most connections at once, per listener; others wait. Twice as many files must be allowed to be open",
            ),
        }
    }
}

impl LogConfig {
    fn read(options: &mut Options) -> Self {
        Self {
            filter: options.value(
                "log",
                "info".to_owned(),
                "What is logged, as in `info` or `warn,pintle_server=debug`",
            ),
            format: options.value("log_format", LogFormat::Text, "How log lines are written: `text` or `json`"),
        }
    }
}

impl OptionValue for LogFormat {
    fn parse(elements: &[String]) -> Result<Self, String> {
        match parse_one::<String>(elements, "text")?.as_str() {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("`text` or `json`".to_owned()),
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Json => "json".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
