use pintle_api::{AlertQuery, AlertResponse, DueDateResponse, DueKind, ListQuery, ListResponse, StatusResponse};
use pintle_core::UnixTime;
use pintle_store::{AlertFilter, AlertId, DueDateRow, Membership, Page, ProjectId};

use crate::{
    Actor, AlertKind, Permission, Service, ServiceError,
    access::find_organization_around,
    alert::{DAY_SECS, describe_alert},
    page::{close_page, open_page},
};

const MAX_STATUS: u32 = 100;

impl Service {
    /// The alerts of an organization that the caller may see, the newest first.
    ///
    /// # Errors
    /// [`ServiceError::CursorInvalid`], [`ServiceError::ValueInvalid`], and those of access.
    pub async fn list_alerts(
        &self,
        actor: &Actor,
        organization: &str,
        query: &AlertQuery,
    ) -> Result<ListResponse<AlertResponse>, ServiceError> {
        let tx = self.store.read().await?;
        let member = find_organization_around(&tx, actor, organization, Permission::Read).await?;
        let page: Page<String> = open_page(&ListQuery { limit: query.limit, cursor: query.cursor.clone() })?;
        let filter = AlertFilter {
            kinds: parse_kinds(&member, query.kind.as_deref())?,
            is_open: query.open,
            project: parse_project(actor, query.project.as_deref())?,
        };
        let rows = tx.list_alerts(&member.scope, &filter, &page).await?;
        close_page(&page, rows, |row| row.id.to_string(), |row| Ok(describe_alert(row)))
    }

    /// One alert of an organization.
    ///
    /// # Errors
    /// Those of access.
    pub async fn read_alert(&self, actor: &Actor, organization: &str, id: &str) -> Result<AlertResponse, ServiceError> {
        let tx = self.store.read().await?;
        let member = find_organization_around(&tx, actor, organization, Permission::Read).await?;
        let missing = ServiceError::NotFound { what: "alert" };
        let Ok(id) = AlertId::parse(id) else { return Err(missing) };
        let row = tx.find_alert(&member.scope, &id).await?;
        let only = actor.reach.project();
        let is_visible = |kind: AlertKind| kind.permission().roles().contains(&member.role);
        row.filter(|row| AlertKind::parse(&row.kind).is_some_and(is_visible))
            .filter(|row| only.is_none_or(|only| row.project_id.as_ref() == Some(only)))
            .map(|row| describe_alert(&row))
            .ok_or(missing)
    }

    /// What is open in an organization, and what is due within so many days: 30 unless told otherwise.
    ///
    /// # Errors
    /// [`ServiceError::ValueInvalid`], and those of access.
    pub async fn read_status(
        &self,
        actor: &Actor,
        organization: &str,
        days: Option<u64>,
        now: UnixTime,
    ) -> Result<StatusResponse, ServiceError> {
        let days = days.unwrap_or(30);
        if !(1..=3650).contains(&days) {
            return Err(ServiceError::ValueInvalid { member: "days", expected: "1 to 3650" });
        }
        let tx = self.store.read().await?;
        let member = find_organization_around(&tx, actor, organization, Permission::Read).await?;
        let kinds = parse_kinds(&member, None)?;
        let filter = AlertFilter { kinds, is_open: true, project: actor.reach.project().cloned() };
        let open = tx.list_alerts(&member.scope, &filter, &Page { after: None, limit: MAX_STATUS.into() }).await?;
        let until = now.saturating_add_secs(days.saturating_mul(DAY_SECS)).as_secs();
        let due = match actor.reach.project() {
            None => tx.list_due_dates_until(&member.scope, until, MAX_STATUS.into()).await?,
            Some(project) => match tx.find_project(&member.scope, project).await? {
                Some(project) => tx.list_due_dates(&project.scope).await?,
                None => Vec::new(),
            },
        };
        let due = due.iter().filter(|due| due.due_at.value() < until).zip(0..MAX_STATUS).map(|(due, _)| due);
        Ok(StatusResponse {
            open: open.iter().map(describe_alert).collect(),
            due: due.map(describe_due).collect(),
            due_until: until,
        })
    }
}

/// The kinds that the member's role may see; of them the one asked for.
fn parse_kinds(member: &Membership, kind: Option<&str>) -> Result<Vec<String>, ServiceError> {
    if kind.is_some_and(|kind| AlertKind::parse(kind).is_none()) {
        return Err(ServiceError::ValueInvalid { member: "kind", expected: "a kind of alert, as in `pin_expiring`" });
    }
    let visible = AlertKind::ALL.iter().filter(|kind| kind.permission().roles().contains(&member.role));
    let words = visible.map(|kind| kind.as_str()).filter(|word| kind.is_none_or(|kind| kind == *word));
    Ok(words.map(str::to_owned).collect())
}

/// A credential for one project sees that project's alone.
fn parse_project(actor: &Actor, project: Option<&str>) -> Result<Option<ProjectId>, ServiceError> {
    let asked = project.map(ProjectId::parse).transpose();
    let asked = asked.map_err(|_| ServiceError::ValueInvalid { member: "project", expected: "an id as `prj_…`" })?;
    match (actor.reach.project(), asked) {
        (Some(only), Some(asked)) if asked != *only => Err(ServiceError::NotFound { what: "project" }),
        (Some(only), _) => Ok(Some(only.clone())),
        (None, asked) => Ok(asked),
    }
}

fn describe_due(row: &DueDateRow) -> DueDateResponse {
    DueDateResponse {
        kind: match row.kind {
            pintle_store::DueKind::Certificate => DueKind::Certificate,
            pintle_store::DueKind::Pin => DueKind::Pin,
            pintle_store::DueKind::Configuration => DueKind::Configuration,
        },
        project_id: row.project_id.to_string(),
        subject: row.subject.clone(),
        due_at: row.due_at.value(),
    }
}
