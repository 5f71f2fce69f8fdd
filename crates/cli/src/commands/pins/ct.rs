use clap::{Args, builder::PossibleValuesParser};
use pintle_core::{
    HostName,
    claims::{PinDigest, PinType},
};
use pintle_discover::{CtApi, CtSource, LoggedCertificate, make_search_client};
use secrecy::SecretString;

use crate::{
    CommandError,
    context::Context,
    moment::{show_moment, show_moment_from},
    output::STRONG,
};

/// Whom to ask what Certificate Transparency logs know.
#[derive(Args, Clone, Debug)]
#[group(skip)]
pub struct CtArgs {
    /// Who reads the logs: crt.sh, or the Cert Spotter API (it takes a token from PINTLE_CT_TOKEN)
    #[arg(
        long, value_name = "SOURCE", default_value = "crt.sh",
        value_parser = PossibleValuesParser::new(["crt.sh", "certspotter"]), requires = "from_ct"
    )]
    ct_source: String,
    /// Where they answer, if somewhere else than usual
    #[arg(long, value_name = "URL", requires = "from_ct")]
    ct_url: Option<String>,
}

impl CtArgs {
    /// The one pin of this type that fits what the logs know of `host`.
    pub(super) async fn search(&self, host: &str, kind: &str, context: &Context) -> Result<PinDigest, CommandError> {
        let host = HostName::parse_connection(host).map_err(|_| CommandError::Value {
            code: "host_invalid",
            value: host.to_owned(),
            expected: "a host name: logs know certificates of hosts",
        })?;
        let kind = PinType::parse(kind).ok_or_else(|| CommandError::Internal(format!("no pin type {kind}")))?;
        let found = self.source()?.search(&make_search_client()?, &host, context.now).await?;
        context.output.say(|text| {
            text.styled_line(STRONG, &format!("{} knows, of {host}", self.ct_source));
            let rows: Vec<_> = found.iter().map(|logged| describe(logged, context)).collect();
            text.indented(|text| {
                text.table(&["VALID FROM", "VALID UNTIL", "KEY", "ISSUER", "SPKI-SHA256"], &rows, "nothing");
            });
            text.line("A source may lie or lag: compare it with what you know.").gap();
        });
        choose(&found, kind, &host)
    }

    fn source(&self) -> Result<CtSource, CommandError> {
        let (api, usual) = match self.ct_source.as_str() {
            "certspotter" => (CtApi::CertSpotter, "https://api.certspotter.com"),
            _ => (CtApi::CrtSh, "https://crt.sh"),
        };
        let text = self.ct_url.as_deref().unwrap_or(usual);
        let url = text.parse().map_err(|_| CommandError::Value {
            code: "url_invalid",
            value: text.to_owned(),
            expected: "the URL of a CT source",
        })?;
        let token = std::env::var("PINTLE_CT_TOKEN").ok().filter(|token| !token.is_empty()).map(SecretString::from);
        Ok(CtSource { api, url, token })
    }
}

fn choose(found: &[LoggedCertificate], kind: PinType, host: &HostName) -> Result<PinDigest, CommandError> {
    let is_of_key = matches!(kind, PinType::SpkiSha256 | PinType::SpkiSha512);
    // The bytes of a precertificate are not those of the certificate.
    let usable = found.iter().filter(|logged| is_of_key || !logged.is_precertificate);
    let mut pins: Vec<PinDigest> = Vec::new();
    for pin in usable.filter_map(|logged| logged.facts.pin(kind)) {
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

fn describe(logged: &LoggedCertificate, context: &Context) -> Vec<String> {
    let facts = &logged.facts;
    let pin = facts.pin(PinType::SpkiSha256).map(|pin| pin.to_base64());
    vec![
        show_moment(facts.not_before),
        show_moment_from(facts.not_after, context.now),
        facts.key.clone(),
        facts.issuer.clone(),
        pin.unwrap_or_default(),
    ]
}
