use std::{path::PathBuf, time::Duration};

use ipnet::IpNet;

use super::{
    options::Options,
    value::{OptionValue, parse_one},
};

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

/// What is remembered of what happened.
#[derive(Clone, Debug)]
pub struct AuditConfig {
    /// Days that events stay in the audit log.
    pub retention_days: u64,
}

impl AuditConfig {
    pub(super) fn read(options: &mut Options) -> Self {
        Self {
            retention_days: options.number(
                "audit.retention_days",
                365,
                1..=36_500,
                "Days that events stay in the audit log; older ones are removed, and the log stays verifiable",
            ),
        }
    }
}

/// Certificate and key of a server that terminates TLS itself.
#[derive(Clone, Debug)]
pub struct TlsConfig {
    /// File of the certificate and its chain, PEM.
    pub certificate: PathBuf,
    /// File of its key, PEM.
    pub key: PathBuf,
}

/// Which proxies are believed when they say whose request they pass on.
#[derive(Clone, Debug, Default)]
pub struct ProxyConfig {
    /// Their networks.
    pub trusted: Vec<IpNet>,
    /// Where they say it. The other header is whatever the client wrote.
    pub header: ForwardedHeader,
}

/// Where a proxy writes the address of its client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239)
    Forwarded,
}

/// Bounds on connections.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    /// Most connections at once, per listener.
    pub connections: usize,
    /// Most of them from one client address.
    pub connections_per_client: usize,
}

/// How often clients of the API may ask; 0: as often as they like.
#[derive(Clone, Debug)]
pub struct RateLimitConfig {
    /// Requests per minute from one address.
    pub address_per_minute: u32,
    /// Requests per minute with one token.
    pub token_per_minute: u32,
    /// Requests per minute of one account.
    pub account_per_minute: u32,
}

/// What becomes of what was deleted.
#[derive(Clone, Debug)]
pub struct PrivacyConfig {
    /// Days from a deletion until everything is erased for good.
    pub erase_after_days: u64,
}

/// How the server stops.
#[derive(Clone, Debug)]
pub struct StopConfig {
    /// How long it goes on after a signal to stop, telling load balancers that it is not ready.
    pub delay: Duration,
    /// How long requests and jobs that have begun may then take.
    pub timeout: Duration,
}

impl TlsConfig {
    pub(super) fn read(options: &mut Options) -> Option<Self> {
        let unset = "plain HTTP; put a TLS proxy before the server";
        let certificate = options.optional(
            "tls.certificate",
            unset,
            "File of the certificate and its chain, PEM; read again when it changes",
        );
        let key = options.optional("tls.key", unset, "File of the certificate's private key, PEM");
        match (certificate, key) {
            (Some(certificate), Some(key)) => Some(Self { certificate, key }),
            (None, None) => None,
            (certificate, _) => {
                let missing = if certificate.is_none() { "tls.certificate" } else { "tls.key" };
                options.refuse(missing, "certificate and key are needed together", "name both files, or neither");
                None
            }
        }
    }
}

impl ProxyConfig {
    pub(super) fn read(options: &mut Options) -> Self {
        Self {
            trusted: options.value(
                "proxy.trusted",
                Vec::new(),
                "Networks of the proxies before the server; what others say about their client counts for nothing",
            ),
            header: options.value(
                "proxy.header",
                ForwardedHeader::default(),
                "Where those proxies name their client: `x-forwarded-for` or `forwarded`",
            ),
        }
    }
}

impl HttpConfig {
    pub(super) fn read(options: &mut Options) -> Self {
        Self {
            connections: options.number(
                "http.connections",
                4096,
                1..=1_000_000,
                "Most connections at once, per listener; others wait. Each takes a file descriptor",
            ),
            connections_per_client: options.number(
                "http.connections_per_client",
                1024,
                1..=1_000_000,
                "Most of them from one client address, trusted proxies excepted; more are closed",
            ),
        }
    }
}

impl RateLimitConfig {
    pub(super) fn read(options: &mut Options) -> Self {
        let mut per_minute = |key, default, meaning| options.number(key, default, 0..=1_000_000, meaning);
        Self {
            address_per_minute: per_minute(
                "rate_limits.address_per_minute",
                600,
                "API requests per minute from one address (of IPv6, from one /64); 0 for no limit",
            ),
            token_per_minute: per_minute(
                "rate_limits.token_per_minute",
                600,
                "API requests per minute with one token; 0 for no limit",
            ),
            account_per_minute: per_minute(
                "rate_limits.account_per_minute",
                1200,
                "API requests per minute of one account; 0 for no limit",
            ),
        }
    }
}

impl PrivacyConfig {
    pub(super) fn read(options: &mut Options) -> Self {
        Self {
            erase_after_days: options.number(
                "privacy.erase_after_days",
                30,
                0..=30,
                "Days from the deletion of an account, project or organization, which hides it at once, until it is erased for \
                 good",
            ),
        }
    }
}

impl StopConfig {
    pub(super) fn read(options: &mut Options) -> Self {
        let mut seconds = |key, default, meaning| Duration::from_secs(options.number(key, default, 0..=3600, meaning));
        Self {
            delay: seconds(
                "stop.delay_secs",
                0,
                "How long the server goes on after a signal to stop while `/readyz` says no, for load balancers to notice",
            ),
            timeout: seconds("stop.timeout_secs", 10, "How long requests and jobs that have begun may then take"),
        }
    }
}

impl LogConfig {
    pub(super) fn read(options: &mut Options) -> Self {
        Self {
            filter: options.value(
                "log",
                "info".to_owned(),
                "What is logged, as in `info` or `warn,pintle_server=debug`",
            ),
            format: options.value("log_format", LogFormat::default(), "How log lines are written: `text` or `json`"),
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

impl OptionValue for ForwardedHeader {
    fn parse(elements: &[String]) -> Result<Self, String> {
        match parse_one::<String>(elements, "text")?.to_ascii_lowercase().as_str() {
            "x-forwarded-for" => Ok(Self::XForwardedFor),
            "forwarded" => Ok(Self::Forwarded),
            _ => Err("`x-forwarded-for` or `forwarded`".to_owned()),
        }
    }

    fn show(&self) -> String {
        match self {
            Self::XForwardedFor => "x-forwarded-for".to_owned(),
            Self::Forwarded => "forwarded".to_owned(),
        }
    }
}
