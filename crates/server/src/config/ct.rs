use pintle_discover::{CtApi, CtSource, WebClient};
use pintle_service::CtWatch;

use super::options::Options;

/// Whom the drift monitor asks what Certificate Transparency logs hold.
#[derive(Clone, Debug)]
pub struct CtConfig {
    /// All of them are asked about every domain.
    pub sources: Vec<CtSource>,
    /// Seconds from one search for a domain to the next.
    pub interval_secs: u64,
}

impl CtConfig {
    pub(super) fn read(options: &mut Options) -> Self {
        Self {
            sources: options.named("ct_sources", read_source).into_values().flatten().collect(),
            interval_secs: options.number(
                "monitor.ct_interval_secs",
                21_600,
                60..=604_800,
                "From one search of CT logs for a domain to the next, where `[ct_sources.NAME]` says whom to ask; sources of \
                 the public limit how often one may ask",
            ),
        }
    }

    /// As the service takes it; nothing where nobody is to be asked.
    ///
    /// # Errors
    /// Why this machine's CA store cannot be used.
    pub(crate) fn to_watch(&self) -> Result<Option<CtWatch>, pintle_discover::WebError> {
        if self.sources.is_empty() {
            return Ok(None);
        }
        Ok(Some(CtWatch::new(WebClient::new()?, self.sources.clone(), self.interval_secs)))
    }
}

fn read_source(options: &mut Options, section: &str) -> Option<CtSource> {
    let key = |option: &str| format!("{section}.{option}");
    let api: Option<String> = options.optional(
        key("api"),
        "needed",
        "How it answers: `crt.sh` or `certspotter`; it learns which hosts are watched",
    );
    let url: Option<String> =
        options.optional(key("url"), "where it answers for the public", "Its URL; https, or http on this machine");
    let token = options.secret(&key("token"), "none", "What it asks for, if it does");
    if options.is_documenting() {
        return None;
    }
    let Some(api) = api.as_deref().and_then(CtApi::parse) else {
        let words = CtApi::ALL.iter().map(|api| format!("\"{}\"", api.as_str())).collect::<Vec<_>>().join(" or ");
        options.refuse(&key("api"), &format!("expected {words}"), "say how the source answers");
        return None;
    };
    let url = url.as_deref().unwrap_or(api.public_url());
    match CtSource::parse(api, url, token) {
        Ok(source) => Some(source),
        Err(error) => {
            options.refuse(&key("url"), &error.to_string(), "who listens on the way would learn token and question");
            None
        }
    }
}
