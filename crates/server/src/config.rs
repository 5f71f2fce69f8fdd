//! How a server runs: options from a file, the environment and the command line.
//!
//! A section is a struct with a `read` that asks [`Options`] for each of its members; asking is declaring. To add one,
//! write such a struct, read it in [`ServerConfig::read`], and let `UPDATE_DOCS=1 cargo test -p pintle-server
//! configuration` rewrite the table in `docs/operations/configuration.md`.

mod accounts;
mod alerts;
mod certificates;
mod ct;
mod decode;
mod destinations;
mod guard;
mod lookup;
mod monitor;
mod oidc;
mod options;
mod pages;
mod reports;
mod sections;
mod source;
mod value;

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use pintle_core::{limits::MAX_URLS, root::BaseUrl};
use pintle_service::{Destination, Plan};
use pintle_store::DatabaseUrl;
use secrecy::SecretString;

pub use accounts::{AccountsConfig, SmtpConfig, SmtpSecurity};
pub use alerts::{AlertsConfig, WebhooksConfig};
pub(crate) use certificates::load_certificates;
pub use ct::CtConfig;
pub use decode::DecodeConfig;
pub use guard::GuardConfig;
pub use lookup::LookupConfig;
pub use monitor::MonitorConfig;
pub use oidc::OidcConfig;
pub use options::{ConfigProblem, EffectiveOption};
pub use pages::PagesConfig;
pub use reports::ReportsConfig;
pub use sections::{
    AuditConfig, ForwardedHeader, HttpConfig, LogConfig, LogFormat, PrivacyConfig, ProxyConfig, RateLimitConfig,
    StopConfig, TlsConfig,
};
pub use source::{ConfigFile, ConfigFlag, ConfigSources, Origin};

use crate::listen::Identity;
use options::Options;

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
    /// Base URLs that apps embed, one to eight; without any, `{public_url}/cdn`.
    pub cdn_urls: Vec<BaseUrl>,
    /// Directories that get every release besides the built-in origin.
    pub publish_dirs: Vec<PathBuf>,
    /// Places that projects may publish to besides.
    pub destinations: Vec<Destination>,
    /// Address of a listener for published files alone; `listen` serves them, too, where there is none.
    pub cdn_listen: Option<SocketAddr>,
    /// Address of a listener for metrics.
    pub metrics_listen: Option<SocketAddr>,
    /// Certificate and key, where the server terminates TLS itself.
    pub tls: Option<TlsConfig>,
    /// Which proxies are believed.
    pub proxy: ProxyConfig,
    /// The server's own key; kept in the data directory where none is given.
    pub secret_key: Option<SecretString>,
    /// Who may have an account.
    pub accounts: AccountsConfig,
    /// Where mails are handed over; `None`: none are sent.
    pub smtp: Option<SmtpConfig>,
    /// Providers of single sign-on, by name.
    pub oidc: BTreeMap<String, OidcConfig>,
    /// The dashboard.
    pub pages: PagesConfig,
    /// Bounds on connections.
    pub http: HttpConfig,
    /// How often clients may ask.
    pub rate_limits: RateLimitConfig,
    /// Looking up certificates for whoever asks.
    pub lookup: LookupConfig,
    /// Collecting the violations that apps report.
    pub reports: ReportsConfig,
    /// Decoding configurations for whoever asks.
    pub decode: DecodeConfig,
    /// What becomes of what was deleted.
    pub privacy: PrivacyConfig,
    /// What is remembered.
    pub audit: AuditConfig,
    /// When members are told.
    pub alerts: AlertsConfig,
    /// Where webhooks may lead.
    pub webhooks: WebhooksConfig,
    /// How the safe-publish guard looks at live servers.
    pub guard: GuardConfig,
    /// How the drift monitor looks at the world.
    pub monitor: MonitorConfig,
    /// Whom it asks what CT logs hold.
    pub ct: CtConfig,
    /// How the server stops.
    pub stop: StopConfig,
    /// What everybody may create at most.
    pub plan: Plan,
    /// What is logged, and how.
    pub log: LogConfig,
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
            cdn_urls: options
                .optional(
                    "cdn_urls",
                    "the public URL and `/cdn`",
                    "Base URLs that apps embed, 8 at most; they ask another one where one fails",
                )
                .unwrap_or_default(),
            publish_dirs: options.value(
                "publish_dirs",
                Vec::new(),
                "Directories that get every release besides the built-in origin",
            ),
            cdn_listen: options.optional(
                "cdn_listen",
                "`listen` serves them",
                "Address of a listener for published files alone, so that apps and operators do not crowd each other out",
            ),
            metrics_listen: options.optional(
                "metrics_listen",
                "no metrics",
                "Address of a listener for `/metrics`; keep it on loopback or in a network of your own, since nobody signs in",
            ),
            tls: TlsConfig::read(options),
            proxy: ProxyConfig::read(options),
            secret_key: options.secret(
                "secret_key",
                "kept in `secret.key` of the data directory",
                "Protects second factors against whoever steals the database alone; several servers need the same one",
            ),
            accounts: AccountsConfig::read(options),
            smtp: SmtpConfig::read(options),
            oidc: OidcConfig::read_all(options),
            pages: PagesConfig::read(options),
            http: HttpConfig::read(options),
            rate_limits: RateLimitConfig::read(options),
            lookup: LookupConfig::read(options),
            reports: ReportsConfig::read(options),
            decode: DecodeConfig::read(options),
            privacy: PrivacyConfig::read(options),
            audit: AuditConfig::read(options),
            alerts: AlertsConfig::read(options),
            webhooks: WebhooksConfig::read(options),
            guard: GuardConfig::read(options),
            monitor: MonitorConfig::read(options),
            ct: CtConfig::read(options),
            stop: StopConfig::read(options),
            plan: read_plan(options),
            log: LogConfig::read(options),
            destinations: destinations::read(options),
        }
    }

    /// What no option alone can tell.
    fn check(&self, options: &mut Options) {
        let is_open = |address: Option<SocketAddr>| address.filter(|address| !address.ip().is_loopback());
        if let (None, Some(address)) = (&self.public_url, is_open(Some(self.listen))) {
            let message = format!("it is needed to listen on {address}, which is not a loopback address");
            let hint = "set it to the https URL under which clients reach this server";
            options.report("public_url_missing", "public_url", &message, hint);
        }
        if self.cdn_urls.len() > MAX_URLS {
            let message = format!("apps take {MAX_URLS} URLs, and these are {}", self.cdn_urls.len());
            options.refuse("cdn_urls", &message, "keep those that fail apart from each other");
        }
        if let (true, Some(address)) = (self.cdn_urls.is_empty(), is_open(self.cdn_listen)) {
            let message = format!("it is needed to serve files on {address}, which is not a loopback address");
            options.report(
                "cdn_urls_missing",
                "cdn_urls",
                &message,
                "set it to the https URLs under which apps reach the files",
            );
        }
        if let Some(tls) = &self.tls
            && let Err(error) = Identity::load(&tls.certificate, &tls.key)
        {
            let hint = "both files are PEM: the server's certificate with its chain, and the key of that certificate";
            options.report("tls_unusable", "tls.certificate", &error.to_string(), hint);
        }
        if self.accounts.require_sso && self.oidc.is_empty() {
            let message = "nobody could sign in: there is no provider";
            options.refuse("accounts.require_sso", message, "add a section as `[oidc.NAME]`");
        }
        let is_plain = |url: &BaseUrl| url.as_str().starts_with("http://");
        if self.tls.is_some() && self.public_url.as_ref().is_some_and(is_plain) {
            options.refuse("public_url", "the server speaks TLS, and this is no https URL", "begin it with https://");
        }
    }
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self::read(&mut Options::open(&ConfigSources::default()))
    }
}

/// What a plan limits is fixed where it is applied; here stands how an operator writes it.
fn read_plan(options: &mut Options) -> Plan {
    Plan {
        organizations_per_account: options.optional(
            "plan.organizations_per_account",
            "unlimited",
            "Organizations that one account may own",
        ),
        projects_per_organization: options.optional(
            "plan.projects_per_organization",
            "unlimited",
            "Projects that one organization may have",
        ),
        domains_per_organization: options.optional(
            "plan.domains_per_organization",
            "unlimited",
            "Domains that the projects of one organization may have, all together",
        ),
    }
}

#[cfg(test)]
mod tests;
