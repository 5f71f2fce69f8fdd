use std::collections::HashSet;

use pintle_api::ViolationReport;
use pintle_core::UnixTime;
use pintle_store::{ProjectId, ViolationCountRow};

use crate::{
    Service, ServiceError,
    alert::{Alert, AlertKind, raise},
    violations::{MAX_SUMS, Sums, day_of, find_trends, first_day},
};

impl Service {
    /// Takes a report; whether reports are taken at all. Nobody learns whether its project exists.
    pub fn note_violations(&self, report: &ViolationReport) -> bool {
        if let Some(violations) = &self.violations {
            violations.note(report);
        }
        self.violations.is_some()
    }

    /// Writes what was reported since the last call, as far as it is about entries and releases of its project, and learns
    /// which projects there are. What cannot be written is lost: sums raise questions, and others come.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn record_violations(&self, now: UnixTime) -> Result<(), ServiceError> {
        let Some(violations) = &self.violations else { return Ok(()) };
        let projects = self.store.read().await?.list_all_projects().await?;
        let name =
            |project: pintle_store::Project| (project.row.organization_id.to_string(), project.row.id.to_string());
        let existing = projects.into_iter().filter(|project| project.row.deleted_at.is_none());
        violations.learn(existing.map(name).collect());
        for (project, sums) in violations.take() {
            self.write_sums(&project, sums, now).await?;
        }
        Ok(())
    }

    async fn write_sums(&self, project: &str, sums: Sums, now: UnixTime) -> Result<(), ServiceError> {
        let Ok(id) = ProjectId::parse(project) else { return Ok(()) };
        let tx = self.begin_system_change(now).await?;
        let Some(project) = tx.load_project(&id).await? else { return Ok(()) };
        let Some(latest) = tx.find_last_release(&project.scope).await? else { return Ok(()) };
        let claims = self.load_release_claims(&tx, &project, latest.version.value()).await?;
        let entries: HashSet<String> = claims.domains.iter().map(|domain| domain.name.to_string()).collect();
        for (kind, sum) in sums {
            let is_ours = (kind.domain.is_empty() || entries.contains(&kind.domain)) && kind.version <= claims.version;
            if !is_ours {
                continue;
            }
            let row = ViolationCountRow {
                project_id: id.clone(),
                day: day_of(now.as_secs()).into(),
                domain: kind.domain,
                code: kind.code.to_owned(),
                version: kind.version.into(),
                refused: sum.refused.into(),
                reported: sum.reported.into(),
                reports: sum.reports.into(),
            };
            tx.add_violations(&project.scope, row).await?;
        }
        let known = tx.list_violations(&project.scope, first_day(now.as_secs()), MAX_SUMS).await?;
        for (domain, trend) in find_trends(&known, now.as_secs()) {
            if trend.is_jump() && !domain.is_empty() {
                let detail = format!("{} reports in a day, {} usually.", trend.recent, trend.usual);
                let alert = Alert::of_project(AlertKind::ViolationsJumped, &project.scope, &domain, detail);
                raise(&tx, alert, now).await?;
            }
        }
        tx.commit_recorded().await
    }
}
