use std::{collections::BTreeSet, sync::Arc};

use base64ct::{Base64, Encoding};
use pintle_api::{
    DriftKind, ListQuery, ListResponse, PROBE_REPORT_CONTEXT, ProbeReport, ProbeReportRequest, ProbeReportResponse,
    ProbeTaskResponse, ProbedEndpoint, ProbedSight, replace_hostile,
};
use pintle_core::{PublicKey, UnixTime, VerifiedConfig};
use pintle_discover::Endpoint;
use pintle_store::{AgentId, DriftSubject, ProbeAgentRow, Project, ReadTx};

use super::{
    list_drift,
    monitor::{Subject, Task, find_domain, judge, load_watch},
};
use crate::{
    Actor, Permission, ProbeError, ProjectPath, Service, ServiceError,
    access::find_project,
    drift::{Finding, make_row, record_finding},
    guard::{CertificateDer, Observation, Sight, endpoints_of},
    page::{close_page, open_page},
};

/// How far the agent's clock may be from ours: what was signed earlier shows a world of earlier.
const MAX_DIFFERENCE_SECS: u64 = 300;
/// Domains in one report: each is judged, and written, in one transaction.
const MAX_DOMAINS: usize = 100;
/// Of one host: sixteen addresses with a few chains each.
const MAX_SIGHTS: usize = 64;
/// What a path may have; the core refuses more.
const MAX_CERTIFICATES: usize = 32;
const MAX_PROBLEM_CHARS: usize = 200;

impl Service {
    /// What an agent is to look at: the domains of the live release, by name; none while nothing is
    /// live.
    ///
    /// # Errors
    /// [`ServiceError::CursorInvalid`], and those of access.
    pub async fn list_probe_tasks(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        query: &ListQuery,
    ) -> Result<ListResponse<ProbeTaskResponse>, ServiceError> {
        let tx = self.store.read().await?;
        let project = find_project(&tx, actor, path, Permission::ReportProbes).await?;
        let page = open_page::<String>(query)?;
        let live = self.load_live(&tx, &project).await?;
        let domains = live.as_ref().map(|(_, config)| config.claims().domains.as_slice()).unwrap_or_default();
        let mut domains: Vec<_> = domains.iter().map(|domain| (domain.name.to_string(), domain)).collect();
        domains.retain(|(name, _)| page.after.as_ref().is_none_or(|after| name > after));
        domains.sort_by(|left, right| left.0.cmp(&right.0));
        domains.truncate(usize::try_from(page.limit).unwrap_or(usize::MAX));
        let names = domains.iter().map(|(name, _)| name.clone()).collect();
        let watch = load_watch(&tx, &project.scope, names).await?;
        close_page(
            &page,
            domains,
            |(name, _)| name.clone(),
            |(name, domain)| {
                let endpoints = endpoints_of(domain, &watch).iter().map(ToString::to_string).collect();
                Ok(ProbeTaskResponse { domain: name.clone(), endpoints })
            },
        )
    }

    /// Takes what an agent saw: its own key signed it, just now, for this project, and no report as late was taken before. It
    /// is judged here, like what the server sees itself.
    ///
    /// # Errors
    /// [`ProbeError`], and those of access.
    pub async fn report_probe(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        request: &ProbeReportRequest,
        now: UnixTime,
    ) -> Result<ProbeReportResponse, ServiceError> {
        let tx = self.store.read().await?;
        let project = find_project(&tx, actor, path, Permission::ReportProbes).await?;
        let Ok(id) = AgentId::parse(&request.agent) else { return Err(ProbeError::Signature.into()) };
        let agent = tx.find_probe_agent(project.scope.organization(), &id).await?.ok_or(ProbeError::Signature)?;
        let report = verify_report(&agent, &project, request, now)?;
        let Some((version, config)) = self.load_live(&tx, &project).await? else {
            return Ok(ProbeReportResponse { drift: Vec::new() });
        };
        let names = report.domains.iter().map(|domain| domain.domain.clone()).collect();
        let watch = load_watch(&tx, &project.scope, names).await?;
        let mut looks = Vec::new();
        for probed in &report.domains {
            let Some(domain) = find_domain(&config, &probed.domain) else { continue };
            let expected = endpoints_of(domain, &watch);
            let observations = probed.endpoints.iter().map(read_endpoint).collect::<Result<Vec<_>, _>>()?;
            let observations: Vec<_> =
                observations.into_iter().filter(|seen| expected.contains(&seen.endpoint)).collect();
            let subject = DriftSubject { kind: DriftKind::Domain.as_str().to_owned(), name: probed.domain.clone() };
            let row = match tx.find_drift(&project.scope, &subject, &agent.name).await? {
                Some(row) => row,
                None => make_row(&project.scope, subject, &agent.name, version),
            };
            let certificates = tx.list_observed_certificates(&project.scope, &probed.domain).await?;
            let subject = Subject::Domain { config: Arc::clone(&config), endpoints: Vec::new(), certificates };
            looks.push((Task { row, scope: project.scope.clone(), version, subject }, observations));
        }
        drop(tx);
        let roots = Arc::clone(&self.guard.roots);
        let judging = tokio::task::spawn_blocking(move || {
            looks.into_iter().filter_map(|(task, seen)| judge(task, &seen, &roots, now)).collect::<Vec<_>>()
        });
        let findings = judging.await.map_err(|_| ServiceError::Internal("a report was not judged"))?;
        self.record_report(&agent, &report, findings, now).await
    }

    async fn record_report(
        &self,
        agent: &ProbeAgentRow,
        report: &ProbeReport,
        findings: Vec<Finding>,
        now: UnixTime,
    ) -> Result<ProbeReportResponse, ServiceError> {
        // What the agent found, the agent's trouble is told of: nobody else changed anything.
        let tx = self.begin_system_change(now).await?;
        if !tx.save_probe_report(&agent.id, report.seq, now.as_secs()).await? {
            return Err(ProbeError::Replayed.into());
        }
        let mut drift = Vec::new();
        for finding in findings {
            let (scope, row) = (finding.scope.clone(), finding.row.clone());
            let subject = DriftSubject { kind: row.kind.clone(), name: row.subject.clone() };
            if tx.find_drift(&scope, &subject, &agent.name).await?.is_none() {
                tx.insert_drift(row).await?;
            }
            record_finding(&tx, &self.alerts, finding, |_| None, now).await?;
            if let Some(row) = tx.find_drift(&scope, &subject, &agent.name).await? {
                drift.push(list_drift::describe(&row)?);
            }
        }
        tx.commit_recorded().await?;
        Ok(ProbeReportResponse { drift })
    }

    async fn load_live(
        &self,
        tx: &ReadTx,
        project: &Project,
    ) -> Result<Option<(u64, Arc<VerifiedConfig>)>, ServiceError> {
        let Some(release) = tx.find_live_release(&project.scope).await? else { return Ok(None) };
        let accepted = self.verify_release(tx, project, &release).await?;
        Ok(Some((release.version.value(), Arc::new(accepted.config))))
    }
}

fn verify_report(
    agent: &ProbeAgentRow,
    project: &Project,
    request: &ProbeReportRequest,
    now: UnixTime,
) -> Result<ProbeReport, ServiceError> {
    let key =
        PublicKey::parse_base64(&agent.public_key).map_err(|_| ServiceError::Internal("stored key of an agent"))?;
    let mut signature = [0; 64];
    let decoded = Base64::decode(&request.signature, &mut signature).map_or(0, <[u8]>::len);
    let signed = format!("{PROBE_REPORT_CONTEXT}{}", request.report);
    if decoded != signature.len() || !key.verifies(signed.as_bytes(), &signature) {
        return Err(ProbeError::Signature.into());
    }
    // Looked at only now.
    let report: ProbeReport =
        serde_json::from_str(&request.report).map_err(|_| ProbeError::Malformed { what: "it is no report" })?;
    let is_meant = report.agent == agent.id.as_str()
        && report.organization == project.scope.organization().as_str()
        && report.project == project.scope.project().as_str();
    if !is_meant {
        return Err(ProbeError::Malformed { what: "it is meant for another project or agent" }.into());
    }
    let difference_secs = report.sent_at.abs_diff(now.as_secs());
    if difference_secs > MAX_DIFFERENCE_SECS {
        return Err(ProbeError::Stale { difference_secs }.into());
    }
    // Checked once more where it is written.
    if report.seq <= agent.last_seq.value() {
        return Err(ProbeError::Replayed.into());
    }
    let names: BTreeSet<_> = report.domains.iter().map(|domain| &domain.domain).collect();
    if names.len() != report.domains.len() || names.len() > MAX_DOMAINS {
        return Err(ProbeError::Malformed { what: "it has more than 100 domains, or one of them twice" }.into());
    }
    Ok(report)
}

fn read_endpoint(probed: &ProbedEndpoint) -> Result<Observation, ProbeError> {
    let wrong = |what| ProbeError::Malformed { what };
    let endpoint = Endpoint::parse(&probed.endpoint).map_err(|_| wrong("a host is none"))?;
    if !(1..=MAX_SIGHTS).contains(&probed.sights.len()) {
        return Err(wrong("a host has no sight, or more than 64"));
    }
    let sights = probed.sights.iter().map(read_sight).collect::<Result<_, _>>()?;
    Ok(Observation { endpoint, sights })
}

fn read_sight(sight: &ProbedSight) -> Result<Sight, ProbeError> {
    let decode = |text: &String| {
        Base64::decode_vec(text).map_err(|_| ProbeError::Malformed { what: "a certificate is not base64" })
    };
    let tell = |problem: &str| replace_hostile(problem).chars().take(MAX_PROBLEM_CHARS).collect();
    Ok(match sight {
        ProbedSight::Unreachable(problem) => Sight::Unreachable { problem: tell(problem) },
        ProbedSight::NotLookedAt(problem) => Sight::NotLookedAt { problem: tell(problem) },
        ProbedSight::Chain { address, certificates, ocsp_response } => {
            if certificates.len() > MAX_CERTIFICATES {
                return Err(ProbeError::Malformed { what: "a chain has more than 32 certificates" });
            }
            let chain = certificates.iter().map(decode).collect::<Result<Vec<_>, _>>()?;
            Sight::Chain {
                address: address.as_deref().and_then(|address| address.parse().ok()),
                chain: chain.into_iter().map(CertificateDer::from).collect(),
                ocsp_response: decode(ocsp_response)?,
            }
        }
    })
}
