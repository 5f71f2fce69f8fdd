use pintle_api::{ViolationSum, ViolationsQuery, ViolationsResponse};
use pintle_core::UnixTime;
use pintle_store::ViolationCountRow;

use crate::{
    Actor, ProjectPath, Service, ServiceError,
    access::{Permission, find_project},
    alert::DAY_SECS,
    violations::day_of,
};

const DEFAULT_DAYS: u64 = 7;
const MAX_DAYS: u64 = 90;
const MAX_SUMS: usize = 2000;

impl Service {
    /// What apps reported of a project.
    ///
    /// # Errors
    /// [`ServiceError::ValueInvalid`], and those of access.
    pub async fn list_violations(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        query: &ViolationsQuery,
        now: UnixTime,
    ) -> Result<ViolationsResponse, ServiceError> {
        let days = query.days.unwrap_or(DEFAULT_DAYS);
        if !(1..=MAX_DAYS).contains(&days) {
            return Err(ServiceError::ValueInvalid { member: "days", expected: "1 to 90 days" });
        }
        let tx = self.store.read().await?;
        let project = find_project(&tx, actor, path, Permission::Read).await?;
        let from_day = day_of(now.as_secs()).saturating_sub((days - 1) * DAY_SECS);
        let mut rows = tx.list_violations(&project.scope, from_day, MAX_SUMS as u64 + 1).await?;
        let is_cut = rows.len() > MAX_SUMS;
        rows.truncate(MAX_SUMS);
        Ok(ViolationsResponse { sums: rows.into_iter().map(respond).collect(), is_cut })
    }
}

fn respond(row: ViolationCountRow) -> ViolationSum {
    ViolationSum {
        day: row.day.value(),
        domain: Some(row.domain).filter(|domain| !domain.is_empty()),
        code: row.code,
        version: Some(row.version.value()).filter(|version| *version > 0),
        refused: row.refused.value(),
        reported: row.reported.value(),
        reports: row.reports.value(),
    }
}
