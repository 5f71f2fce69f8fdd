//! Looking at the certificates of servers and files, for every command that does.

use std::{net::IpAddr, path::Path};

use clap::{Args, builder::PossibleValuesParser};
use ipnet::IpNet;
use pintle_core::{HostName, UnixTime};
use pintle_discover::{
    AddressPolicy, CertificateFacts, Endpoint, FileContents, FileError, IssuerFetcher, MAX_FILE_BYTES, Offer, Prober,
    Proxy, StartTls, parse_file,
};

use crate::{
    CommandError,
    file::read_file,
    moment::{show_moment, show_moment_from},
    output::Text,
    secret::{Asking, load_key_password},
};

/// How to get to a server. This is the machine of the person who asks, so every address may be looked at.
#[derive(Args, Clone, Debug, Default)]
#[group(skip)]
pub struct WayArgs {
    /// Look through this proxy, as in `http://proxy.example:3128` or `socks5://…`; with USER:PASSWORD@ if it asks, then
    /// better by environment
    #[arg(long, value_name = "URL", env = "PINTLE_PROXY", hide_env_values = true)]
    proxy: Option<String>,
    /// The server begins in the clear, with this protocol
    #[arg(long, value_name = "PROTOCOL", value_parser = PossibleValuesParser::new(StartTls::ALL.iter().map(|p| p.as_str())))]
    starttls: Option<String>,
    /// Ask for this name (SNI) instead of the host
    #[arg(long, value_name = "NAME")]
    sni: Option<String>,
}

/// Whether to fetch what servers do not send of their chains. The certificates say where it lies, hence whoever made them.
#[derive(Args, Clone, Debug, Default)]
#[group(skip)]
pub struct CompleteArgs {
    /// Fetch the issuers' certificates that the server does not send, over http from public addresses
    #[arg(long)]
    pub(crate) complete_chain: bool,
    /// Fetch them from this network, too, and at this port, as in 10.1.0.0/16 or 10.1.2.3:8080; repeat it
    #[arg(long, value_name = "NETWORK[:PORT]", requires = "complete_chain")]
    issuer_network: Vec<String>,
}

impl CompleteArgs {
    /// None if it was not asked for.
    pub(crate) fn fetcher(&self) -> Result<Option<IssuerFetcher>, CommandError> {
        if !self.complete_chain {
            return Ok(None);
        }
        let mut policy = AddressPolicy::public().with_ports([80]);
        for text in &self.issuer_network {
            let (network, port) = parse_network(text).ok_or_else(|| CommandError::Value {
                code: "network_invalid",
                value: text.clone(),
                expected: "a network or address, as 10.1.0.0/16, perhaps with a port behind a colon",
            })?;
            policy = policy.with_networks([network]).with_ports(port);
        }
        Ok(Some(IssuerFetcher::new(policy)))
    }
}

fn parse_network(text: &str) -> Option<(IpNet, Option<u16>)> {
    let network = |text: &str| text.parse().ok().or_else(|| Some(IpNet::from(text.parse::<IpAddr>().ok()?)));
    if let Some(network) = network(text) {
        return Some((network, None));
    }
    let (address, port) = text.rsplit_once(':')?;
    let address = address.trim_start_matches('[').trim_end_matches(']');
    Some((network(address)?, Some(port.parse().ok()?)))
}

impl WayArgs {
    pub(crate) fn is_through_proxy(&self) -> bool {
        self.proxy.is_some()
    }

    pub(crate) fn prober(&self) -> Result<Prober, CommandError> {
        let mut prober = Prober::new(AddressPolicy::anywhere());
        if let Some(url) = &self.proxy {
            // The URL may hold a password, and is not repeated.
            prober = prober.through(Proxy::parse(url).map_err(|_| CommandError::Value {
                code: "proxy_invalid",
                value: "--proxy".to_owned(),
                expected: "the URL of a proxy: http://HOST:PORT or socks5://HOST:PORT",
            })?);
        }
        if let Some(protocol) = self.starttls.as_deref().and_then(StartTls::parse) {
            prober = prober.with_start_tls(protocol);
        }
        if let Some(name) = &self.sni {
            let name = HostName::parse_connection(name).map_err(|_| CommandError::Value {
                code: "host_invalid",
                value: name.clone(),
                expected: "a host name to ask for",
            })?;
            prober = prober.with_server_name(name);
        }
        Ok(prober)
    }

    /// The chain that an app most likely gets from `endpoint`.
    pub(crate) async fn load_chain(&self, endpoint: &Endpoint) -> Result<Vec<Vec<u8>>, CommandError> {
        let survey = self.prober()?.with_offers(&[Offer::Any]).probe(endpoint).await?;
        Ok(survey.first()?.chain.clone())
    }
}

/// What a file holds: certificates, or a signing request. The password of PKCS#12 is looked for where it is needed.
pub(crate) fn load_contents(path: &Path, password_file: Option<&Path>) -> Result<FileContents, CommandError> {
    let bytes = read_file(path, MAX_FILE_BYTES as u64)?;
    let contents = match parse_file(&bytes, None) {
        Err(FileError::PasswordNeeded) => {
            match load_key_password(password_file, &format!("Password of {}: ", path.display()), Asking::Allowed)? {
                Some(password) => parse_file(&bytes, Some(&password)),
                None => Err(FileError::PasswordNeeded),
            }
        }
        other => other,
    };
    contents.map_err(|error| CommandError::CertificateFile { path: path.to_owned(), error })
}

/// The certificates of a file.
pub(crate) fn load_certificates(path: &Path, password_file: Option<&Path>) -> Result<Vec<Vec<u8>>, CommandError> {
    match load_contents(path, password_file)? {
        FileContents::Certificates(certificates) => Ok(certificates),
        FileContents::Request(_) => {
            let error = FileError::OtherContents { found: "a signing request, no certificate" };
            Err(CommandError::CertificateFile { path: path.to_owned(), error })
        }
    }
}

pub(crate) fn write_facts(facts: &CertificateFacts, now: UnixTime, text: &mut Text) {
    text.fields(&[
        ("subject", facts.subject.clone()),
        ("issuer", facts.issuer.clone()),
        ("names", show_names(&facts.names, facts.names.len() as u64)),
        ("valid from", show_moment(facts.not_before)),
        ("valid until", show_moment_from(facts.not_after, now)),
        ("key", facts.key.clone()),
        ("serial", facts.serial.clone()),
        ("is a CA", if facts.is_ca { "yes" } else { "no" }.to_owned()),
    ]);
}

/// Some certificates name thousands of hosts; a person wants to see that, not all of them.
pub(crate) fn show_names(names: &[String], count: u64) -> String {
    const SHOWN: usize = 20;
    let shown = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match count.saturating_sub(SHOWN as u64) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
