use std::{collections::BTreeMap, path::PathBuf};

use pintle_core::root::BaseUrl;
use secrecy::SecretString;

use super::{certificates::check_certificates, options::Options};

const MAX_NAME_BYTES: usize = 32;

/// A provider of single sign-on.
#[derive(Clone, Debug)]
pub struct OidcConfig {
    /// Its URL, to the letter as it calls itself.
    pub issuer: String,
    /// What it knows this server by.
    pub client_id: String,
    /// Proves to it that it is this server; a public client has none.
    pub client_secret: Option<SecretString>,
    /// Domains of the addresses that may sign in; any, if there are none.
    pub allowed_domains: Vec<String>,
    /// What is asked for besides `openid`.
    pub scopes: Vec<String>,
    /// PEM file of a CA to accept besides those of the machine.
    pub ca_file: Option<PathBuf>,
}

impl OidcConfig {
    /// Every `[oidc.NAME]`.
    pub(super) fn read_all(options: &mut Options) -> BTreeMap<String, Self> {
        let mut read = options.named("oidc", Self::read);
        read.retain(|name, config| config.is_some() && is_name(name));
        read.into_iter().filter_map(|(name, config)| Some((name, config?))).collect()
    }

    fn read(options: &mut Options, section: &str) -> Option<Self> {
        let issuer_key = format!("{section}.issuer");
        let issuer: Option<String> = options.optional(
            issuer_key.clone(),
            "needed",
            "URL of the provider, to the letter as it calls itself in its discovery document",
        );
        let id_key = format!("{section}.client_id");
        let client_id: Option<String> =
            options.optional(id_key.clone(), "needed", "What the provider knows this server by");
        let client_secret = options.secret(
            &format!("{section}.client_secret"),
            "none, for a public client",
            "What this server shows the provider",
        );
        let allowed_domains = options.value(
            format!("{section}.allowed_domains"),
            Vec::new(),
            "Domains whose addresses, verified by the provider, may sign in with it; none: all. Name yours for a provider that \
             has other customers, too",
        );
        let scopes = options.value(
            format!("{section}.scopes"),
            vec!["email".to_owned(), "profile".to_owned()],
            "What the provider is asked for besides `openid`",
        );
        let ca_key = format!("{section}.ca_file");
        let ca_file: Option<PathBuf> = options.optional(
            ca_key.clone(),
            "none",
            "PEM file of a CA to accept besides those of this machine, for a provider in your own network",
        );
        if options.is_documenting() {
            return None;
        }
        let name = section.rsplit('.').next().unwrap_or_default();
        if !is_name(name) {
            options.refuse(
                section,
                "the name is no name for a provider",
                "use 1 to 32 characters out of a-z, 0-9 and `-`",
            );
        }
        if issuer.is_none() {
            options.refuse(&issuer_key, "it is needed", "set it to the URL of the provider");
        }
        if client_id.is_none() {
            options.refuse(&id_key, "it is needed", "register this server with the provider, which then names it");
        }
        let (issuer, client_id) = (issuer?, client_id?);
        if let Err(error) = BaseUrl::dangerous_parse_http_loopback(issuer.trim_end_matches('/')) {
            let hint = "begin it with https://; plain http is for a provider on this machine";
            options.refuse(&issuer_key, &error.to_string(), hint);
        }
        if let Some(path) = &ca_file {
            check_certificates(options, "oidc_unusable", &ca_key, path);
        }
        Some(Self { issuer, client_id, client_secret, allowed_domains, scopes, ca_file })
    }
}

fn is_name(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=MAX_NAME_BYTES).contains(&name.len()) && name.bytes().all(is_allowed)
}
