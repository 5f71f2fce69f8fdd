use std::net::SocketAddr;

use clap::Args;
use pintle_api::{CaaResponse, LookupResponse, PresentedCertificate, PresentedChain, PresentedFacts, Sighting};
use pintle_core::UnixTime;
use pintle_discover::{CaaResolver, Endpoint, Family, LoggedCertificate};
use pintle_service::{complete_chains, describe_facts, describe_survey, find_caa};
use serde::Serialize;

use super::{
    logged::{CtArgs, parse_logged_host, write_logged, write_unread},
    look::{CompleteArgs, WayArgs, show_names},
};
use crate::{
    CommandError,
    context::Context,
    moment::{show_moment, show_moment_from},
    output::{CAREFUL, STRONG, Text},
    word::word,
};

/// Options of `certs`.
#[derive(Args, Clone, Debug)]
pub struct CertsArgs {
    /// Host to look at, and port [default: 443]
    #[arg(value_name = "HOST[:PORT]")]
    host: String,
    #[command(flatten)]
    way: WayArgs,
    /// Only its IPv4 addresses
    #[arg(long, short = '4', conflicts_with = "ipv6")]
    ipv4: bool,
    /// Only its IPv6 addresses
    #[arg(long, short = '6')]
    ipv6: bool,
    #[command(flatten)]
    complete: CompleteArgs,
    /// Ask this DNS server for CAA records, instead of this machine's
    #[arg(long, value_name = "ADDRESS:PORT", conflicts_with = "ct")]
    dns_server: Option<SocketAddr>,
    /// Ask Certificate Transparency what was issued for the host, instead of the host itself
    #[arg(long, conflicts_with_all = ["ipv4", "ipv6", "starttls", "sni"])]
    ct: bool,
    #[command(flatten, next_help_heading = "With --ct")]
    logs: CtArgs,
}

/// Result of `certs --ct`.
#[derive(Serialize)]
struct LoggedReport {
    host: String,
    /// Who was asked.
    source: String,
    /// Newest first.
    certificates: Vec<LoggedFacts>,
    /// Logs that could not be read, or believed, and why.
    unread: Vec<String>,
}

#[derive(Serialize)]
struct LoggedFacts {
    /// Then the pins of its bytes are those of no certificate that a server shows.
    is_precertificate: bool,
    facts: PresentedFacts,
}

pub(crate) async fn run(args: &CertsArgs, context: &Context) -> Result<(), CommandError> {
    if args.ct {
        return show_logged(args, context).await;
    }
    let endpoint = Endpoint::parse(&args.host)?;
    let mut prober = args.way.prober()?;
    if args.ipv4 || args.ipv6 {
        prober = prober.with_family(if args.ipv4 { Family::V4 } else { Family::V6 });
    }
    let fetcher = args.complete.fetcher()?;
    let resolver = match args.dns_server {
        Some(server) => CaaResolver::asking(server).ok(),
        // Where a proxy resolves names, this machine's DNS may not know them.
        None if args.way.is_through_proxy() => None,
        None => CaaResolver::of_system().ok(),
    };
    let survey = prober.probe(&endpoint).await?;
    survey.first()?;
    let mut seen = describe_survey(&survey);
    if let Some(fetcher) = &fetcher {
        complete_chains(&mut seen, fetcher).await;
    }
    if let Some(resolver) = &resolver {
        seen.caa = find_caa(&endpoint, resolver).await;
    }
    context.output.show(&seen, |seen, text| write_lookup(seen, context.now, text))
}

async fn show_logged(args: &CertsArgs, context: &Context) -> Result<(), CommandError> {
    let host = parse_logged_host(&args.host)?;
    let search = args.logs.open()?;
    let found = search.search(&host, context.now).await?;
    let describe = |logged: &LoggedCertificate| LoggedFacts {
        is_precertificate: logged.is_precertificate,
        facts: describe_facts(logged.facts.clone()),
    };
    let report = LoggedReport {
        host: host.to_string(),
        source: search.source_name,
        certificates: found.certificates.iter().map(describe).collect(),
        unread: found.unread.clone(),
    };
    context.output.show(&report, |report, text| {
        text.styled_line(STRONG, &format!("{} knows, of {}", report.source, report.host));
        text.indented(|text| write_logged(&found.certificates, context.now, text));
        write_unread(&found.unread, text);
        text.line(
            "A source may lie or lag, and logs hold what anybody had issued. `pintle pins add --from-ct` pins a key.",
        );
    })
}

fn write_lookup(lookup: &LookupResponse, now: UnixTime, text: &mut Text) {
    let (host, number) = (&lookup.host, lookup.chains.len());
    text.styled_line(
        STRONG,
        &if number == 1 {
            format!("{host} presents one chain")
        } else {
            format!("{host} presents {number} different chains")
        },
    );
    for (at, chain) in lookup.chains.iter().enumerate() {
        text.gap().styled_line(STRONG, &format!("Chain {}", at + 1));
        text.indented(|text| write_chain(chain, now, text));
    }
    if let Some(caa) = &lookup.caa {
        text.gap().line(&describe_caa(caa));
    }
    if !lookup.failures.is_empty() {
        text.gap().styled_line(CAREFUL, "No certificate from");
        let rows: Vec<_> = lookup
            .failures
            .iter()
            .map(|failure| vec![failure.address.clone().unwrap_or_else(|| "-".to_owned()), failure.reason.clone()])
            .collect();
        text.indented(|text| {
            text.table(&["ADDRESS", "REASON"], &rows, "");
        });
    }
    text.gap().line("Nothing of this is verified: it is what the network shows. `pintle pins add` pins one of them.");
}

fn write_chain(chain: &PresentedChain, now: UnixTime, text: &mut Text) {
    let rows: Vec<_> = chain
        .seen
        .iter()
        .map(|seen| {
            vec![
                seen.address.clone().unwrap_or_else(|| "through the proxy".to_owned()),
                seen.tls_version.clone(),
                describe_offers(seen),
                if seen.ocsp_stapled { "yes" } else { "no" }.to_owned(),
            ]
        })
        .collect();
    text.table(&["ADDRESS", "TLS", "SHOWN TO CLIENTS WITH", "OCSP STAPLED"], &rows, "");
    for (position, certificate) in chain.certificates.iter().enumerate() {
        text.gap();
        write_certificate(position, certificate, now, text);
    }
    let Some(completion) = &chain.completion else { return };
    for (position, fetched) in completion.certificates.iter().enumerate() {
        text.gap().line(&format!("not sent, fetched from {}", fetched.url));
        write_certificate(chain.certificates.len() + position, &fetched.certificate, now, text);
    }
    if let Some(problem) = &completion.problem {
        text.gap().labelled_line(CAREFUL, "incomplete", problem);
    }
}

fn describe_caa(caa: &CaaResponse) -> String {
    let records = caa.records.iter().map(|record| {
        let critical = if record.is_critical { " (critical)" } else { "" };
        format!("{} {}{critical}", record.tag, record.value)
    });
    match (&caa.problem, &caa.domain) {
        (Some(problem), _) => format!("CAA: not known: {problem}"),
        (None, Some(domain)) => format!("CAA at {domain}: {}", records.collect::<Vec<_>>().join(", ")),
        (None, None) => "CAA: none, so that every CA may issue".to_owned(),
    }
}

fn describe_offers(seen: &Sighting) -> String {
    let words = seen.offers.iter().map(|offer| match offer.as_str() {
        "any" => "everything",
        "elliptic_curve" => "elliptic curves only",
        "rsa" => "RSA only",
        "tls12" => "TLS 1.2 only",
        other => other,
    });
    words.collect::<Vec<_>>().join(", ")
}

fn write_certificate(position: usize, certificate: &PresentedCertificate, now: UnixTime, text: &mut Text) {
    let Some(facts) = &certificate.facts else {
        text.line(&format!("{position}  not a readable certificate"));
        return;
    };
    text.line(&format!("{position}  {}", facts.subject));
    text.indented(|text| {
        text.fields(&fields(facts, now));
        for pin in &facts.pins {
            text.line(&format!("{}:{}", word(&pin.pin_type), pin.digest));
        }
    });
}

fn fields(facts: &PresentedFacts, now: UnixTime) -> Vec<(&'static str, String)> {
    vec![
        ("issuer", facts.issuer.clone()),
        ("names", show_names(&facts.names, facts.name_count)),
        ("valid from", show_moment(UnixTime::from_secs(facts.not_before))),
        ("valid until", show_moment_from(UnixTime::from_secs(facts.not_after), now)),
        ("key", facts.key.clone()),
        ("serial", facts.serial.clone()),
        ("is a CA", if facts.is_ca { "yes" } else { "no" }.to_owned()),
        ("SCTs of logs", facts.sct_log_ids.join(", ")),
    ]
}
