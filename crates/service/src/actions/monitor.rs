use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use futures_util::{StreamExt as _, stream};
use pintle_api::DriftKind;
use pintle_core::{Root, UnixTime, VerifiedConfig, claims::Domain};
use pintle_discover::Endpoint;
use pintle_store::{DriftRow, DriftSubject, ObservedCertificateRow, Project, ProjectScope, ReadTx, ReleaseRow};

use crate::{
    Progress, Service, ServiceError,
    claims::make_root,
    drift::{
        DomainLook, Finding, Known, MonitorSettings, Published, SERVER, Verdict, digest_pins, first_look, judge_place,
        make_row, next_look, record_finding, tell_end,
    },
    guard::{Observation, Roots, Watch, endpoints_of, look},
    hex::write_hex,
    random::make_random,
};

/// How long a look is left to whoever took it: longer than any takes.
const LEASE_SECS: u64 = 180;
/// Something to look at, with all that it takes to judge.
pub(super) struct Task {
    pub(super) row: DriftRow,
    pub(super) scope: ProjectScope,
    pub(super) version: u64,
    pub(super) subject: Subject,
}

pub(super) enum Subject {
    Domain { config: Arc<VerifiedConfig>, endpoints: Vec<Endpoint>, certificates: Vec<ObservedCertificateRow> },
    Place(Published),
}

impl Task {
    fn found(self, verdict: Verdict, pins_sha256: Option<String>) -> Finding {
        let certificates = match self.subject {
            Subject::Domain { certificates, .. } => certificates,
            Subject::Place(_) => Vec::new(),
        };
        Finding { row: self.row, scope: self.scope, version: self.version, certificates, verdict, pins_sha256 }
    }
}

impl Service {
    /// One turn of the drift monitor: brings what is looked at in line with a release that went live, or looks at what is due.
    /// Safe to call from several places: each thing is taken by one.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn run_next_look(&self, now: UnixTime) -> Result<Progress, ServiceError> {
        let Some(settings) = &self.monitor else { return Ok(Progress::Idle { next_at: None }) };
        let tx = self.store.read().await?;
        let waiting = tx.find_release_to_watch().await?;
        let next = tx.find_next_look(SERVER).await?;
        drop(tx);
        if let Some((project, release)) = waiting {
            self.begin_watching(settings, &project, &release, now).await?;
            return Ok(Progress::Done);
        }
        // A clock that ran ahead, or a longer interval than today's, put it there.
        let horizon_secs = now.as_secs() + 2 * settings.interval_secs;
        if next.is_none_or(|next| next > now.as_secs() && next <= horizon_secs) {
            return Ok(Progress::Idle { next_at: next.map(UnixTime::from_secs) });
        }
        let lease = write_hex(&make_random::<16>()?);
        let (until, limit) = (now.as_secs() + LEASE_SECS, settings.concurrency as u64);
        let tx = self.begin_system_change(now).await?;
        let rows = tx.lease_looks(SERVER, &lease, now.as_secs(), until, horizon_secs, limit).await?;
        tx.commit_recorded().await?;
        let tasks = self.make_tasks(rows, now).await?;
        let looks = tasks.into_iter().map(|task| self.look_at(task, settings, now));
        let findings: Vec<_> = stream::iter(looks).buffer_unordered(settings.concurrency).collect().await;
        let tx = self.begin_system_change(now).await?;
        for finding in findings.into_iter().flatten() {
            let due_at = |row: &DriftRow| Some(next_look(row, settings.interval_secs, now.as_secs()));
            record_finding(&tx, &self.alerts, finding, due_at, now).await?;
        }
        tx.commit_recorded().await?;
        Ok(Progress::Done)
    }

    /// Looks at the domains and places of `release`, and at no others any more.
    async fn begin_watching(
        &self,
        settings: &MonitorSettings,
        project: &Project,
        release: &ReleaseRow,
        now: UnixTime,
    ) -> Result<(), ServiceError> {
        let tx = self.begin_system_change(now).await?;
        let (scope, version) = (&project.scope, release.version.value());
        tx.save_watched(scope, version, now.as_secs()).await?;
        let mut subjects = self.list_places(&tx, project).await?;
        match self.verify_release(&tx, project, release).await {
            Ok(accepted) => {
                let name = |domain: &Domain| subject(DriftKind::Domain, &domain.name.to_string());
                subjects.extend(accepted.config.claims().domains.iter().map(name));
            }
            Err(error @ ServiceError::Store(_)) => return Err(error),
            Err(error) => {
                tracing::error!(project.id = %scope.project(), release.version = version, %error,
                    "a release cannot be watched");
            }
        }
        for gone in tx.delete_drift_but(scope, &subjects).await? {
            tell_end(&tx, scope, &gone).await?;
        }
        let number = subjects.len();
        for subject in subjects {
            if tx.find_drift(scope, &subject, SERVER).await?.is_none() {
                let row = make_row(scope, subject, SERVER, version);
                let due_at = first_look(&row, number, settings.interval_secs, now.as_secs());
                tx.insert_drift(DriftRow { due_at: Some(due_at.into()), ..row }).await?;
            }
        }
        tx.commit_recorded().await
    }

    /// Where apps fetch the project's releases, as far as it is known here.
    async fn list_places(&self, tx: &ReadTx, project: &Project) -> Result<BTreeSet<DriftSubject>, ServiceError> {
        let urls = self.list_urls(tx, project).await?;
        Ok(urls.iter().map(|url| subject(DriftKind::Place, url.as_str())).collect())
    }

    /// What the looks need to know. Of what is not there any more nothing is made.
    pub(super) async fn make_tasks(&self, rows: Vec<DriftRow>, now: UnixTime) -> Result<Vec<Task>, ServiceError> {
        let mut by_project: HashMap<_, Vec<DriftRow>> = HashMap::new();
        for row in rows {
            by_project.entry(row.project_id.clone()).or_default().push(row);
        }
        let mut tasks = Vec::new();
        for (id, rows) in by_project {
            let tx = self.store.read().await?;
            match tx.load_project(&id).await? {
                Some(project) => tasks.extend(self.make_tasks_of(&tx, &project, rows).await?),
                None => {
                    drop(tx);
                    let tx = self.begin_system_change(now).await?;
                    tx.delete_drift_of(&id).await?;
                    tx.commit_recorded().await?;
                }
            }
        }
        Ok(tasks)
    }

    async fn make_tasks_of(
        &self,
        tx: &ReadTx,
        project: &Project,
        rows: Vec<DriftRow>,
    ) -> Result<Vec<Task>, ServiceError> {
        let scope = &project.scope;
        let Some(release) = tx.find_live_release(scope).await? else { return Ok(Vec::new()) };
        let version = release.version.value();
        let config = match self.verify_release(tx, project, &release).await {
            Ok(accepted) => Arc::new(accepted.config),
            Err(error @ ServiceError::Store(_)) => return Err(error),
            Err(_) => return Ok(Vec::new()),
        };
        let newest = tx.find_last_release(scope).await?.map_or(version, |last| last.version.value());
        let names: Vec<_> = rows.iter().map(|row| row.subject.clone()).collect();
        let watch = load_watch(tx, scope, names).await?;
        let root: Root = make_root(project, &self.base_urls)?;
        let mut tasks = Vec::new();
        for row in rows {
            let subject = match DriftKind::parse(&row.kind) {
                Some(DriftKind::Place) => Subject::Place(Published { root: root.clone(), live: version, newest }),
                _ => {
                    let Some(domain) = find_domain(&config, &row.subject) else { continue };
                    Subject::Domain {
                        config: Arc::clone(&config),
                        endpoints: endpoints_of(domain, &watch),
                        certificates: tx.list_observed_certificates(scope, &row.subject).await?,
                    }
                }
            };
            tasks.push(Task { row, scope: scope.clone(), version, subject });
        }
        Ok(tasks)
    }

    async fn look_at(&self, task: Task, settings: &MonitorSettings, now: UnixTime) -> Option<Finding> {
        match &task.subject {
            Subject::Place(published) => {
                let (state, detail) = judge_place(&task.row.subject, published, now).await;
                let verdict = Verdict { state, detail, matched: BTreeSet::new(), certificates: Vec::new() };
                Some(task.found(verdict, None))
            }
            Subject::Domain { endpoints, .. } => {
                let observations = look(endpoints.clone(), &settings.look).await;
                let roots = Arc::clone(&self.guard.roots);
                let judging = tokio::task::spawn_blocking(move || judge(task, &observations, &roots, now));
                judging.await.ok().flatten()
            }
        }
    }
}

/// Judges what was seen of the domain of a task, by whomever.
pub(super) fn judge(task: Task, observations: &[Observation], roots: &Roots, now: UnixTime) -> Option<Finding> {
    let Subject::Domain { config, certificates, .. } = &task.subject else { return None };
    let domain = find_domain(config, &task.row.subject)?;
    let pins_sha256 = digest_pins(domain);
    let primary: Option<BTreeSet<String>> = task
        .row
        .primary_pins
        .as_ref()
        .filter(|_| task.row.pins_sha256.as_ref() == Some(&pins_sha256))
        .map(|pins| pins.split(' ').map(str::to_owned).collect());
    let known = Known::new(certificates);
    let look = DomainLook { config, domain, observations, roots, known: &known, primary: primary.as_ref(), now };
    let verdict = look.judge();
    Some(task.found(verdict, Some(pins_sha256)))
}

pub(super) fn find_domain<'a>(config: &'a VerifiedConfig, name: &str) -> Option<&'a Domain> {
    config.claims().domains.iter().find(|domain| domain.name.to_string() == name)
}

pub(super) async fn load_watch(tx: &ReadTx, scope: &ProjectScope, names: Vec<String>) -> Result<Watch, ServiceError> {
    let rows = tx.list_domains_named(scope, names).await?;
    let parse = |list: &str| list.split_ascii_whitespace().filter_map(|text| Endpoint::parse(text).ok()).collect();
    Ok(rows.into_iter().filter_map(|row| Some((row.name, parse(row.watch.as_deref()?)))).collect())
}

fn subject(kind: DriftKind, name: &str) -> DriftSubject {
    DriftSubject { kind: kind.as_str().to_owned(), name: name.to_owned() }
}
