use std::{collections::BTreeSet, path::PathBuf};

use base64ct::{Base64, Encoding};
use clap::Args;
use pintle_api::{CtLogResponse, CtPolicy, CtRequest, UpdateDomainRequest};
use pintle_core::{claims::CtRequirement, ct::embedded_scts, der::Certificate};
use pintle_discover::{Endpoint, FactsError};
use serde::Serialize;

use crate::{
    CommandError,
    commands::{
        domains::{find_domain, show_name},
        look::{WayArgs, load_certificates},
    },
    context::Context,
    moment::show_moment,
    output::{GOOD, STRONG, Text},
};

/// Options of `ct fill`.
#[derive(Args, Clone, Debug)]
pub struct FillArgs {
    /// Domain of the draft
    domain: String,
    /// Where the certificate comes from
    #[command(flatten)]
    source: SctSource,
    #[command(flatten)]
    way: WayArgs,
    /// Show the SCTs and what would be declared, and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// Where a certificate with SCTs comes from.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = false)]
pub struct SctSource {
    /// Look at what a server presents; without a value, at the domain itself on port 443
    #[arg(long, value_name = "HOST[:PORT]", num_args = 0..=1, default_missing_value = "")]
    from_host: Option<String>,
    /// Read the certificate from a file: PEM, DER, PKCS#7 or PKCS#12
    #[arg(long, value_name = "FILE")]
    from_file: Option<PathBuf>,
}

/// Result of `ct fill`.
#[derive(Serialize)]
struct FillReport {
    /// The domain as the configuration spells it.
    domain: String,
    /// Host or file.
    source: String,
    /// The SCTs embedded in the certificate.
    scts: Vec<SctReport>,
    /// What is declared: `min` distinct ones of these logs.
    ct: CtRequest,
    /// Whether the draft says so now.
    declared: bool,
}

#[derive(Serialize)]
struct SctReport {
    log_id: String,
    /// Milliseconds since 1970 UTC.
    timestamp_millis: u64,
    /// The draft's log of that id; absent: unknown.
    log: Option<CtLogResponse>,
}

pub(super) async fn run(args: &FillArgs, context: &Context) -> Result<(), CommandError> {
    let endpoint = match args.source.from_host.as_deref() {
        None => None,
        Some("") => Some(Endpoint::parse(&args.domain)?),
        Some(host) => Some(Endpoint::parse(host)?),
    };
    let (chain, source) = match (&endpoint, &args.source.from_file) {
        (Some(endpoint), _) => (args.way.load_chain(endpoint).await?, endpoint.to_string()),
        (None, Some(path)) => (load_certificates(path, None)?, path.display().to_string()),
        (None, None) => return Err(CommandError::Internal("there is nothing to look at".to_owned())),
    };
    let leaf = chain.first().map(Vec::as_slice).unwrap_or_default();

    let client = context.connect()?;
    let project = context.find_project(&client).await?;
    let domain = find_domain(&client, &project, &args.domain).await?;
    let logs = client.read_ct_logs(project.reference()).await?.logs;
    let scts =
        read_scts(leaf, &logs).map_err(|error| CommandError::Certificate { source_name: source.clone(), error })?;
    let Some(ct) = declare(&scts) else {
        return Err(CommandError::NotFound { kind: "listed CT log", name: source });
    };
    if !args.dry_run {
        let request = UpdateDomainRequest { ct: Some(ct.clone()), ..UpdateDomainRequest::default() };
        client.update_domain(project.reference(), &domain.id, &request).await?;
    }
    let report = FillReport { domain: domain.name.clone(), source, scts, ct, declared: !args.dry_run };
    context.output.show(&report, |report, text| report.write_text(&show_name(&domain), text))
}

fn read_scts(leaf: &[u8], logs: &[CtLogResponse]) -> Result<Vec<SctReport>, FactsError> {
    let certificate = Certificate::parse(leaf).map_err(|_| FactsError)?;
    let scts = embedded_scts(&certificate).map_err(|_| FactsError)?;
    let report = scts.iter().map(|sct| {
        let log_id = Base64::encode_string(sct.log_id);
        let log = logs.iter().find(|log| log.id == log_id).cloned();
        SctReport { log_id, timestamp_millis: sct.timestamp_millis, log }
    });
    Ok(report.collect())
}

/// The known logs, and as many of them as `min` asks where a file does not say; fewer only if there are fewer.
fn declare(scts: &[SctReport]) -> Option<CtRequest> {
    let known: BTreeSet<_> = scts.iter().filter_map(|sct| sct.log.as_ref()).map(|log| log.id.clone()).collect();
    let min = CtRequirement::DEFAULT_MIN.min(known.len() as u64);
    (min > 0).then(|| CtRequest { policy: CtPolicy::Declared, min: Some(min), logs: Some(known.into_iter().collect()) })
}

impl FillReport {
    fn write_text(&self, name: &str, text: &mut Text) {
        text.styled_line(STRONG, &format!("The certificate of {} carries {} SCTs", self.source, self.scts.len()));
        let rows: Vec<_> =
            self.scts
                .iter()
                .map(|sct| {
                    let issued = show_moment(pintle_core::UnixTime::from_secs(sct.timestamp_millis / 1000));
                    let (operator, log) = sct.log.as_ref().map_or(("-", "unknown to the imported list"), |log| {
                        (log.operator.as_str(), log.name.as_str())
                    });
                    vec![operator.to_owned(), log.to_owned(), issued, sct.log_id.clone()]
                })
                .collect();
        text.indented(|text| {
            text.table(&["OPERATOR", "LOG", "ISSUED", "ID"], &rows, "none");
        });
        let min = self.ct.min.unwrap_or_default();
        let number = self.ct.logs.as_ref().map(Vec::len).unwrap_or_default();
        if self.declared {
            text.styled_line(GOOD, &format!("{name} now declares {min} of these {number} known logs."));
        } else {
            text.line(&format!("{name} would declare {min} of these {number} known logs (--dry-run)."));
        }
        text.line("A consistency check: no defence against the CA that issues the certificate.");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_logs_that_the_list_knows_are_declared_each_once() {
        let sct = |id: &str, known: bool| SctReport {
            log_id: id.to_owned(),
            timestamp_millis: 0,
            log: known.then(|| CtLogResponse {
                id: id.to_owned(),
                key: String::new(),
                operator: "o".to_owned(),
                name: "n".to_owned(),
                usable_until: None,
            }),
        };
        assert_eq!(declare(&[]), None);
        assert_eq!(declare(&[sct("x", false)]), None);
        let one = declare(&[sct("a", true), sct("x", false), sct("a", true)]).unwrap();
        assert_eq!((one.min, one.logs), (Some(1), Some(vec!["a".to_owned()])));
        let three = declare(&[sct("c", true), sct("a", true), sct("b", true)]).unwrap();
        assert_eq!((three.min, three.logs.unwrap().len()), (Some(2), 3));
    }
}
