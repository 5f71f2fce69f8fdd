use futures_util::{StreamExt as _, stream};
use pintle_api::DriftKind;
use pintle_core::UnixTime;
use pintle_store::{DriftRow, DriftSubject};

use super::monitor::{Subject, Task, find_domain};
use crate::{
    Progress, Service, ServiceError,
    drift::{
        CT, CtWatch, Known, LoggedFinding, LoggedLook, SERVER, first_look, hosts_of, make_row, next_look,
        record_logged, tell_end,
    },
    hex::write_hex,
    random::make_random,
};

/// Domains that are asked about side by side; the questions to one source wait for each other anyway.
const AT_ONCE: usize = 4;
/// How long a search is left to whoever took it: longer than any takes.
const LEASE_SECS: u64 = 900;
/// New domains that are taken up at once.
const NEW_AT_ONCE: u64 = 500;
/// Where nobody answered it is asked again so soon.
const RETRY_SECS: u64 = 1800;

impl Service {
    /// One turn of the watch over Certificate Transparency: takes up domains that the monitor has looked at, or asks about
    /// those that are due. Safe to call from several places: each domain is taken by one.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn run_next_ct_search(&self, now: UnixTime) -> Result<Progress, ServiceError> {
        let Some(watch) = self.ct_watch.as_deref().filter(|_| self.monitor.is_some()) else {
            return self.end_ct_watch(now).await;
        };
        let tx = self.store.read().await?;
        let new = tx.list_drift_without(SERVER, CT, NEW_AT_ONCE).await?;
        let new: Vec<_> = new.into_iter().filter(|row| row.kind == DriftKind::Domain.as_str()).collect();
        let next = tx.find_next_look(CT).await?;
        drop(tx);
        if !new.is_empty() {
            self.begin_ct_watch(watch, new, now).await?;
            return Ok(Progress::Done);
        }
        let horizon_secs = now.as_secs() + 2 * watch.interval_secs;
        if next.is_none_or(|next| next > now.as_secs() && next <= horizon_secs) {
            return Ok(Progress::Idle { next_at: next.map(UnixTime::from_secs) });
        }
        let lease = write_hex(&make_random::<16>()?);
        let until = now.as_secs() + LEASE_SECS;
        let tx = self.begin_system_change(now).await?;
        let rows = tx.lease_looks(CT, &lease, now.as_secs(), until, horizon_secs, AT_ONCE as u64).await?;
        tx.commit_recorded().await?;
        let tasks = self.make_tasks(rows, now).await?;
        let searches = tasks.into_iter().map(|task| self.search_logs(watch, task, now));
        let findings: Vec<_> = stream::iter(searches).buffer_unordered(AT_ONCE).collect().await;
        let tx = self.begin_system_change(now).await?;
        for finding in findings {
            let Some(finding) = finding? else { continue };
            let due_at = |row: &DriftRow, is_answered| match is_answered {
                true => next_look(row, watch.interval_secs, now.as_secs()),
                false => now.as_secs() + RETRY_SECS.min(watch.interval_secs),
            };
            record_logged(&tx, finding, due_at, now).await?;
        }
        tx.commit_recorded().await?;
        Ok(Progress::Done)
    }

    async fn begin_ct_watch(&self, watch: &CtWatch, seen: Vec<DriftRow>, now: UnixTime) -> Result<(), ServiceError> {
        let number = seen.len();
        let tx = self.begin_system_change(now).await?;
        for row in seen {
            let Some(project) = tx.load_project(&row.project_id).await? else { continue };
            let subject = DriftSubject { kind: row.kind, name: row.subject };
            if tx.find_drift(&project.scope, &subject, CT).await?.is_none() {
                let row = make_row(&project.scope, subject, CT, row.version.value());
                let due_at = first_look(&row, number, watch.interval_secs, now.as_secs());
                tx.insert_drift(DriftRow { due_at: Some(due_at.into()), ..row }).await?;
            }
        }
        tx.commit_recorded().await
    }

    /// Nobody asks any more: what was believed is not repeated for ever.
    async fn end_ct_watch(&self, now: UnixTime) -> Result<Progress, ServiceError> {
        let rows = self.store.read().await?.list_drift_from(CT, NEW_AT_ONCE).await?;
        if rows.is_empty() {
            return Ok(Progress::Idle { next_at: None });
        }
        let tx = self.begin_system_change(now).await?;
        for row in rows {
            tx.delete_drift(&row).await?;
            if let Some(project) = tx.load_project(&row.project_id).await? {
                tell_end(&tx, &project.scope, &row).await?;
            }
        }
        tx.commit_recorded().await?;
        Ok(Progress::Done)
    }

    async fn search_logs(
        &self,
        watch: &CtWatch,
        task: Task,
        now: UnixTime,
    ) -> Result<Option<LoggedFinding>, ServiceError> {
        let Subject::Domain { config, endpoints, certificates } = &task.subject else { return Ok(None) };
        let Some(domain) = find_domain(config, &task.row.subject) else { return Ok(None) };
        let answers = watch.ask(&hosts_of(domain, endpoints), now).await;
        let view = self.store.read().await?;
        let before = view.list_logged_certificates(&task.scope, &task.row.subject).await?;
        drop(view);
        let is_answered = answers.is_answered;
        let look = LoggedLook {
            project: task.scope.project(),
            domain,
            known: &Known::new(certificates),
            before: &before,
            is_first: task.row.pins_sha256.is_none(),
            now,
        };
        let verdict = look.judge(&answers);
        Ok(Some(LoggedFinding { row: task.row, scope: task.scope, version: task.version, is_answered, verdict }))
    }
}
