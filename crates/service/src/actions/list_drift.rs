use pintle_api::{
    DriftChangeResponse, DriftHistoryQuery, DriftKind, DriftResponse, DriftState, ListQuery, ListResponse,
};
use pintle_store::{DriftChangeRow, DriftRow, Page, Unsigned};

use crate::{
    Actor, Permission, ProjectPath, Service, ServiceError,
    access::find_project,
    page::{close_page, open_page},
};

/// Longer than any domain or base URL.
const MAX_SUBJECT_CHARS: usize = 300;
/// More look at nothing.
const MAX_VANTAGES: u64 = 100;

impl Service {
    /// What the world shows of the live release, by kind, name and vantage point.
    ///
    /// # Errors
    /// [`ServiceError::CursorInvalid`], and those of access.
    pub async fn list_drift(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        query: &ListQuery,
    ) -> Result<ListResponse<DriftResponse>, ServiceError> {
        let tx = self.store.read().await?;
        let project = find_project(&tx, actor, path, Permission::Read).await?;
        let page = open_page::<(String, String, String)>(query)?;
        let rows = tx.list_drift(&project.scope, &page).await?;
        let key = |row: &DriftRow| (row.kind.clone(), row.subject.clone(), row.vantage.clone());
        close_page(&page, rows, key, describe)
    }

    /// What the world shows of one domain or place, by vantage point: of the first 100.
    ///
    /// # Errors
    /// Those of access.
    pub async fn list_drift_of(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        kind: DriftKind,
        subject: &str,
    ) -> Result<Vec<DriftResponse>, ServiceError> {
        let tx = self.store.read().await?;
        let project = find_project(&tx, actor, path, Permission::Read).await?;
        let before_first = (kind.as_str().to_owned(), subject.to_owned(), String::new());
        let rows = tx.list_drift(&project.scope, &Page { after: Some(before_first), limit: MAX_VANTAGES }).await?;
        let own = rows.iter().take_while(|row| row.kind == kind.as_str() && row.subject == subject);
        own.map(describe).collect()
    }

    /// What changed of it within a year, newest first.
    ///
    /// # Errors
    /// [`ServiceError::CursorInvalid`], [`ServiceError::ValueInvalid`], and those of access.
    pub async fn list_drift_changes(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        query: &DriftHistoryQuery,
    ) -> Result<ListResponse<DriftChangeResponse>, ServiceError> {
        if query.subject.as_ref().is_some_and(|subject| subject.chars().count() > MAX_SUBJECT_CHARS) {
            return Err(ServiceError::ValueInvalid { member: "subject", expected: "a name, at most 300 characters" });
        }
        let tx = self.store.read().await?;
        let project = find_project(&tx, actor, path, Permission::Read).await?;
        let page = open_page::<u64>(&ListQuery { limit: query.limit, cursor: query.cursor.clone() })?;
        let rows = tx.list_drift_changes(&project.scope, query.subject.as_deref(), &page).await?;
        close_page(&page, rows, |row| row.seq.value(), describe_change)
    }
}

pub(super) fn describe(row: &DriftRow) -> Result<DriftResponse, ServiceError> {
    Ok(DriftResponse {
        kind: parse_kind(&row.kind)?,
        subject: row.subject.clone(),
        vantage: row.vantage.clone(),
        state: row.state.as_deref().map(parse_state).transpose()?,
        since: row.since.map(Unsigned::value),
        detail: row.detail.clone(),
        release: row.version.value(),
        seen_at: row.seen_at.map(Unsigned::value),
    })
}

fn describe_change(row: &DriftChangeRow) -> Result<DriftChangeResponse, ServiceError> {
    Ok(DriftChangeResponse {
        kind: parse_kind(&row.kind)?,
        subject: row.subject.clone(),
        vantage: row.vantage.clone(),
        at: row.at.value(),
        before: row.before.as_deref().map(parse_state).transpose()?,
        after: parse_state(&row.after)?,
        detail: row.detail.clone(),
        release: row.version.value(),
    })
}

fn parse_kind(word: &str) -> Result<DriftKind, ServiceError> {
    DriftKind::parse(word).ok_or(ServiceError::Internal("stored kind of drift"))
}

fn parse_state(word: &str) -> Result<DriftState, ServiceError> {
    DriftState::parse(word).ok_or(ServiceError::Internal("stored state of drift"))
}
