//! The safe-publish guard on this machine: it sees servers that Pintle's own server cannot, and judges exactly what is to be
//! signed.

use std::path::{Path, PathBuf};

use clap::Args;
use pintle_api::{
    DomainResponse, Finding, FindingCode, FindingGroup, FindingOverride, OverrideRequest, Severity,
    client::{Client, ClientError},
};
use pintle_core::{UnixTime, VerifiedConfig, claims::Claims};
use pintle_discover::{AddressPolicy, Endpoint, MAX_FILE_BYTES, parse_certificates};
use pintle_service::guard::{
    GuardInput, LookSettings, Observation, Roots, Sight, Watch, find_blocking, guard, list_endpoints, load_roots, look,
    rehearse,
};
use rustls_pki_types::CertificateDer;

use crate::{
    CommandError,
    context::{Context, Project},
    file::read_file,
    output::{BAD, CAREFUL, STRONG, Text},
    word::parse_word,
};

/// Where the guard looks from here, and what it trusts.
#[derive(Args, Clone, Debug, Default)]
pub struct LookArgs {
    /// Do not connect to the domains' servers from this machine
    #[arg(long)]
    pub(crate) no_probe: bool,
    /// Certificates (PEM or DER) that apps trust as CAs besides those of this machine
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
}

impl LookArgs {
    /// Root certificates of this machine, and those given.
    pub(crate) fn load_roots(&self) -> Result<Roots, CommandError> {
        Ok(load_roots(&self.ca.as_deref().map(load_authorities).transpose()?.unwrap_or_default()))
    }
}

/// Looks at the servers of `claims` from this machine: wherever its user asks it to.
pub(crate) async fn look_around(claims: &Claims, watch: &Watch) -> Vec<Observation> {
    look(list_endpoints(claims, watch), &LookSettings::new(AddressPolicy::anywhere())).await
}

/// Looks at the servers of a domain of the draft from this machine.
pub(crate) async fn look_at_domain(domain: &DomainResponse) -> Vec<Observation> {
    let named: Vec<_> = domain.watch.iter().filter_map(|text| Endpoint::parse(text).ok()).collect();
    let endpoints = if named.is_empty() { Endpoint::parse(&domain.name).into_iter().collect() } else { named };
    look(endpoints, &LookSettings::new(AddressPolicy::anywhere())).await
}

/// How a release gets past the guard.
#[derive(Args, Clone, Debug, Default)]
pub struct GuardArgs {
    #[command(flatten)]
    pub(crate) look: LookArgs,
    /// Release in spite of this error of the guard, of one domain or of all; repeat it. Needs the role owner or admin
    #[arg(long = "override", value_name = "FINDING[:DOMAIN]", requires = "reason")]
    overrides: Vec<String>,
    /// Why, for the audit log and the history of releases
    #[arg(long, value_name = "TEXT", requires = "overrides")]
    reason: Option<String>,
}

impl GuardArgs {
    pub(crate) fn parse(&self) -> Result<Option<OverrideRequest>, CommandError> {
        let Some(reason) = self.reason.clone() else { return Ok(None) };
        let findings = self.overrides.iter().map(|text| parse_override(text)).collect::<Result<_, _>>()?;
        Ok(Some(OverrideRequest { findings, reason }))
    }
}

fn parse_override(text: &str) -> Result<FindingOverride, CommandError> {
    let (code, domain) = match text.split_once(':') {
        Some((code, domain)) => (code, Some(domain.to_lowercase())),
        None => (text, None),
    };
    let code: FindingCode = parse_word(code, "finding_invalid", "a finding of the guard, as in `would_refuse`")?;
    Ok(FindingOverride { code, domain })
}

/// What the guard is asked from this machine.
pub(crate) struct LocalGuard<'a> {
    pub(crate) look: &'a LookArgs,
    pub(crate) watch: &'a Watch,
    pub(crate) previous: Option<&'a VerifiedConfig>,
    pub(crate) now: UnixTime,
}

/// What it answered, and what it had seen.
pub(crate) struct LocalAnswer {
    pub(crate) findings: Vec<Finding>,
    observations: Vec<Observation>,
}

impl LocalGuard<'_> {
    /// Judges claims that are to be signed.
    pub(crate) async fn judge_claims(&self, claims: &Claims) -> Result<LocalAnswer, CommandError> {
        let next = rehearse(claims, self.now).map_err(|error| CommandError::Internal(error.to_string()))?;
        self.judge(&next).await
    }

    /// Judges a file that is signed already.
    pub(crate) async fn judge(&self, next: &VerifiedConfig) -> Result<LocalAnswer, CommandError> {
        let roots = self.look.load_roots()?;
        let observations = if self.look.no_probe { Vec::new() } else { look_around(next.claims(), self.watch).await };
        let findings = guard(&GuardInput {
            next,
            previous: self.previous,
            // Which releases apps saw, and for how long, the server knows.
            history: None,
            trends: None,
            observations: &observations,
            roots: &roots,
            oldest_level: pintle_core::PROTOCOL_LEVEL,
            now: self.now,
        });
        Ok(LocalAnswer { findings, observations })
    }
}

impl LocalAnswer {
    /// What the server found and what was found here, each thing once. Whoever saw an endpoint knows better than who did not.
    pub(crate) fn merge(self, server: &[Finding]) -> Vec<Finding> {
        let key = |finding: &Finding| (finding.code, finding.domain.clone(), finding.endpoint.clone());
        let is_unseen = |finding: &Finding| matches!(finding.code, FindingCode::NotLookedAt | FindingCode::Unreachable);
        let is_seen_here = |endpoint: &String| {
            let sees = |sight: &Sight| matches!(sight, Sight::Chain { .. });
            let mut observations = self.observations.iter();
            observations.any(|seen| seen.endpoint.to_string() == *endpoint && seen.sights.iter().any(sees))
        };
        let has_seen_any =
            self.observations.iter().any(|seen| seen.sights.iter().any(|sight| matches!(sight, Sight::Chain { .. })));
        let is_missed_there = |endpoint: &Option<String>| {
            server
                .iter()
                .any(|finding| is_unseen(finding) && (finding.endpoint.is_none() || finding.endpoint == *endpoint))
        };
        let kept_here = self.findings.iter().filter(|finding| {
            let known = server.iter().any(|known| key(known) == key(finding));
            !known && (!is_unseen(finding) || is_missed_there(&finding.endpoint))
        });
        let kept_there = server.iter().filter(|finding| match &finding.endpoint {
            Some(endpoint) => !is_unseen(finding) || !is_seen_here(endpoint),
            // "Nothing was looked at", while something was from here.
            None => !(is_unseen(finding) && finding.domain.is_none() && has_seen_any),
        });
        let mut merged: Vec<_> = kept_here.chain(kept_there).cloned().collect();
        merged.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| key(a).cmp(&key(b))));
        merged
    }
}

/// Refuses to go on with errors that are not overridden; whoever is to decide has seen them.
pub(crate) fn check_findings(findings: &[Finding], overrides: Option<&OverrideRequest>) -> Result<(), CommandError> {
    let overrides = overrides.map(|request| request.findings.as_slice()).unwrap_or_default();
    let errors = find_blocking(findings, overrides).count();
    match find_blocking(findings, overrides).next() {
        None => Ok(()),
        Some(first) => Err(CommandError::GuardRefused { errors, first: name_finding(first) }),
    }
}

/// Where the server's guard refused, says what it found.
pub(crate) fn explain_refusal(error: ClientError, context: &Context) -> CommandError {
    if let ClientError::Problem(problem) = &error
        && problem.code == "guard_refused"
    {
        context.output.say(|text| write_findings(&problem.findings, text));
        if let Err(refused) = check_findings(&problem.findings, None) {
            return refused;
        }
    }
    error.into()
}

/// The hosts that stand for each domain of the draft.
pub(crate) async fn load_watch(client: &Client, project: &Project) -> Result<Watch, CommandError> {
    let domains = client.list_domains(project.reference()).all().await?;
    let parse = |watch: &[String]| watch.iter().filter_map(|text| Endpoint::parse(text).ok()).collect();
    Ok(domains.iter().map(|domain| (domain.name.clone(), parse(&domain.watch))).collect())
}

pub(crate) fn load_authorities(path: &Path) -> Result<Vec<CertificateDer<'static>>, CommandError> {
    let certificates = parse_certificates(&read_file(path, MAX_FILE_BYTES as u64)?)
        .map_err(|error| CommandError::CertificateFile { path: path.to_owned(), error })?;
    Ok(certificates.into_iter().map(CertificateDer::from).collect())
}

/// `would_refuse:api.example.com`, as `--override` takes it.
fn name_finding(finding: &Finding) -> String {
    match &finding.domain {
        Some(domain) => format!("{}:{domain}", finding.code.as_str()),
        None => finding.code.as_str().to_owned(),
    }
}

/// Findings for people: what, what it means for users, what to do; the errors first.
pub(crate) fn write_findings(findings: &[Finding], text: &mut Text) {
    for group in FindingGroup::gather(findings) {
        let (style, severity) = match group.severity {
            Severity::Error => (BAD, "error"),
            Severity::Warning => (CAREFUL, "warning"),
            Severity::Note => (STRONG, "note"),
        };
        let (shown, folded) = group.fold();
        for finding in shown {
            text.labelled_line(style, &format!("{severity}[{}]", name_finding(finding)), &finding.detail);
        }
        if !folded.is_empty() {
            let rest = format!("{} more; `--output json` lists them", folded.len());
            text.labelled_line(style, &format!("{severity}[{}]", group.code.as_str()), &rest);
        }
        if group.severity > Severity::Note {
            text.indented(|text| {
                text.fields(&[("users", group.code.consequence().to_owned()), ("do", group.code.advice().to_owned())]);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(code: FindingCode, endpoint: &str) -> Finding {
        Finding::new(code, "").about("a.example").seen_at(endpoint)
    }

    fn observation(endpoint: &str, sees: bool) -> Observation {
        let sight = if sees {
            Sight::Chain { address: None, chain: Vec::new(), ocsp_response: Vec::new() }
        } else {
            Sight::Unreachable { problem: String::new() }
        };
        Observation { endpoint: Endpoint::parse(endpoint).unwrap(), sights: vec![sight] }
    }

    #[test]
    fn whoever_saw_an_endpoint_knows_better() {
        let (refuse, unseen) = (FindingCode::WouldRefuse, FindingCode::Unreachable);
        let merged = |here: &[Finding], sees: bool, there: &[Finding]| {
            let answer =
                LocalAnswer { findings: here.to_vec(), observations: vec![observation("a.example:443", sees)] };
            answer.merge(there).iter().map(|finding| finding.code).collect::<Vec<_>>()
        };
        let at = |code| finding(code, "a.example:443");
        assert_eq!(merged(&[], true, &[at(unseen)]), [], "inside it answers");
        assert_eq!(merged(&[at(unseen)], false, &[]), [], "from the server it answers");
        assert_eq!(merged(&[at(unseen)], false, &[at(unseen)]), [unseen]);
        assert_eq!(merged(&[at(refuse)], true, &[at(unseen)]), [refuse]);
        assert_eq!(merged(&[at(refuse)], true, &[at(refuse)]), [refuse]);
        assert_eq!(merged(&[], true, &[at(refuse)]), [refuse], "apps outside are refused");
    }

    #[test]
    fn an_override_names_a_finding_and_perhaps_a_domain() {
        let parsed = parse_override("would_refuse:API.example.com").unwrap();
        assert_eq!((parsed.code, parsed.domain.as_deref()), (FindingCode::WouldRefuse, Some("api.example.com")));
        assert_eq!(parse_override("would_refuse:2001:db8::1").unwrap().domain.as_deref(), Some("2001:db8::1"));
        assert_eq!(parse_override("no_domain").unwrap_err().code(), "finding_invalid");
    }
}
