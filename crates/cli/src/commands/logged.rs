//! What Certificate Transparency knows of hosts, for every command that asks.

use clap::{Args, builder::PossibleValuesParser};
use pintle_core::{
    HostName, UnixTime,
    claims::{PinDigest, PinType},
};
use pintle_discover::{CtApi, CtSource, LoggedCertificate, WebClient};
use secrecy::SecretString;

use crate::{
    CommandError,
    context::Context,
    moment::{show_moment, show_moment_from},
    output::{STRONG, Text},
};

/// Whom to ask what Certificate Transparency logs hold.
#[derive(Args, Clone, Debug)]
#[group(skip)]
pub struct CtArgs {
    /// Who reads the CT logs: crt.sh, or the Cert Spotter API, which takes a token from PINTLE_CT_TOKEN
    #[arg(
        long, value_name = "SOURCE", default_value = CtApi::CrtSh.as_str(),
        value_parser = PossibleValuesParser::new(CtApi::ALL.iter().map(|api| api.as_str()))
    )]
    ct_source: String,
    /// Where it answers, if not where it does for the public
    #[arg(long, value_name = "URL")]
    ct_url: Option<String>,
}

/// A source, ready to be asked about any number of hosts.
pub(crate) struct CtSearch {
    client: WebClient,
    source: CtSource,
    pub(crate) source_name: String,
}

impl CtArgs {
    pub(crate) fn open(&self) -> Result<CtSearch, CommandError> {
        let api = CtApi::parse(&self.ct_source)
            .ok_or_else(|| CommandError::Internal(format!("no CT source {}", self.ct_source)))?;
        let url = self.ct_url.as_deref().unwrap_or(api.public_url());
        let token = std::env::var("PINTLE_CT_TOKEN").ok().filter(|token| !token.is_empty()).map(SecretString::from);
        let source = CtSource::parse(api, url, token).map_err(|_| CommandError::Value {
            code: "url_invalid",
            value: url.to_owned(),
            expected: "the URL of a CT source: https://HOST/…, or http:// on this machine",
        })?;
        let client = WebClient::new().map_err(pintle_discover::CtError::from)?;
        Ok(CtSearch { client, source, source_name: self.ct_source.clone() })
    }
}

impl CtSearch {
    /// The certificates for `host` that count at `now`, newest first.
    pub(crate) async fn search(&self, host: &HostName, now: UnixTime) -> Result<Vec<LoggedCertificate>, CommandError> {
        Ok(self.source.search(&self.client, host, now).await?)
    }

    /// The one pin of this type that fits what is known of `host`; it is shown what there is.
    pub(crate) async fn find_pin(
        &self,
        host: &str,
        kind: PinType,
        context: &Context,
    ) -> Result<PinDigest, CommandError> {
        let host = parse_logged_host(host)?;
        let found = self.search(&host, context.now).await?;
        context.output.say(|text| {
            text.styled_line(STRONG, &format!("{} knows, of {host}", self.source_name));
            text.indented(|text| write_logged(&found, context.now, text));
            text.line("A source may lie or lag, and logs hold what anybody had issued: compare it with what you know.");
            text.gap();
        });
        choose(&found, kind, &host)
    }
}

/// A name that certificates may be issued for.
pub(crate) fn parse_logged_host(text: &str) -> Result<HostName, CommandError> {
    HostName::parse_connection(text).map_err(|_| CommandError::Value {
        code: "host_invalid",
        value: text.to_owned(),
        expected: "a host name: CT logs hold certificates of hosts",
    })
}

fn choose(found: &[LoggedCertificate], kind: PinType, host: &HostName) -> Result<PinDigest, CommandError> {
    let mut pins: Vec<PinDigest> = Vec::new();
    for pin in found.iter().filter_map(|logged| logged.pin(kind)) {
        if !pins.contains(&pin) {
            pins.push(pin);
        }
    }
    match pins.as_slice() {
        [] => Err(CommandError::NotFound { kind: "certificate in Certificate Transparency", name: host.to_string() }),
        [one] => Ok(*one),
        several => Err(CommandError::Ambiguous {
            kind: "key in Certificate Transparency",
            name: host.to_string(),
            matches: several.iter().map(|pin| format!("{}:{}", kind.as_str(), pin.to_base64())).collect(),
        }),
    }
}

pub(crate) fn write_logged(found: &[LoggedCertificate], now: UnixTime, text: &mut Text) {
    let rows: Vec<_> = found
        .iter()
        .map(|logged| {
            let facts = &logged.facts;
            vec![
                show_moment(facts.not_before),
                show_moment_from(facts.not_after, now),
                facts.key.clone(),
                facts.issuer.clone(),
                facts.pin(PinType::SpkiSha256).map(|pin| pin.to_base64()).unwrap_or_default(),
            ]
        })
        .collect();
    text.table(&["VALID FROM", "VALID UNTIL", "KEY", "ISSUER", "SPKI-SHA256"], &rows, "nothing that has not expired");
}
