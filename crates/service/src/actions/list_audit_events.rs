use std::collections::BTreeMap;

use pintle_api::{AuditEventResponse, AuditOrder, AuditPersonal, AuditQuery, ListQuery, ListResponse};
use pintle_store::{AccountId, AuditChain, AuditEventRow, AuditFilter, AuditPersonalRow, Page, ProjectId, ReadTx};
use serde_json::value::RawValue;

use crate::{
    Actor, AuditAction, Service, ServiceError,
    access::{Permission, find_organization},
    page::{close_page, open_page},
};

/// Longer than any id.
const MAX_TARGET_CHARS: usize = 200;

impl Service {
    /// The events of an organization's audit log that fit a search.
    ///
    /// # Errors
    /// [`ServiceError::CursorInvalid`], [`ServiceError::ValueInvalid`], and those of access.
    pub async fn list_audit_events(
        &self,
        actor: &Actor,
        organization: &str,
        query: &AuditQuery,
    ) -> Result<ListResponse<AuditEventResponse>, ServiceError> {
        let tx = self.store.read().await?;
        let own = find_organization(&tx, actor, organization, Permission::ReadAudit).await?;
        let chain = AuditChain::from(&own.scope);
        let page: Page<u64> = open_page(&ListQuery { limit: query.limit, cursor: query.cursor.clone() })?;
        let order = match query.order.unwrap_or_default() {
            AuditOrder::Newest => pintle_store::AuditOrder::NewestFirst,
            AuditOrder::Oldest => pintle_store::AuditOrder::OldestFirst,
        };
        let rows = tx.search_audit_events(&chain, &parse_filter(query)?, order, page.after, page.limit).await?;
        let seqs: Vec<u64> = rows.iter().map(|row| row.seq.value()).collect();
        let events = seqs.into_iter().zip(respond_all(&tx, &chain, rows).await?).collect();
        close_page(&page, events, |(seq, _)| *seq, |(_, event)| Ok(event.clone()))
    }
}

fn parse_filter(query: &AuditQuery) -> Result<AuditFilter, ServiceError> {
    let invalid = |member, expected| ServiceError::ValueInvalid { member, expected };
    for (member, time) in [("from", query.from), ("until", query.until)] {
        // What no database column holds.
        if time.is_some_and(|time| i64::try_from(time).is_err()) {
            return Err(invalid(member, "a time in seconds, at most 2^63-1"));
        }
    }
    if query.target.as_ref().is_some_and(|target| target.chars().count() > MAX_TARGET_CHARS) {
        return Err(invalid("target", "an id, at most 200 characters"));
    }
    let account = query.actor.as_deref().map(AccountId::parse).transpose();
    let project = query.project.as_deref().map(ProjectId::parse).transpose();
    Ok(AuditFilter {
        from: query.from,
        until: query.until,
        action: query.action.as_deref().map(parse_action).transpose()?,
        account: account.map_err(|_| invalid("actor", "an id as `acc_…`"))?,
        project: project.map_err(|_| invalid("project", "an id as `prj_…`"))?,
        target: query.target.clone(),
    })
}

/// A misspelt action finds nothing, which must not look like nothing happened.
fn parse_action(text: &str) -> Result<String, ServiceError> {
    let group = format!("{text}.");
    if AuditAction::ALL.iter().any(|action| action.as_str() == text) {
        Ok(text.to_owned())
    } else if AuditAction::ALL.iter().any(|action| action.as_str().starts_with(&group)) {
        Ok(group)
    } else {
        Err(ServiceError::ValueInvalid {
            member: "action",
            expected: "an action of the log, or what all of a kind begin with",
        })
    }
}

/// The events of `chain` that `rows` hold, each with the personal values that were not erased.
pub(super) async fn respond_all(
    tx: &ReadTx,
    chain: &AuditChain,
    rows: Vec<AuditEventRow>,
) -> Result<Vec<AuditEventResponse>, ServiceError> {
    let mut personal = list_personal(tx, chain, &rows).await?;
    let events = rows.into_iter().map(|row| {
        let values = personal.remove(&row.seq.value()).unwrap_or_default();
        respond(row, values)
    });
    events.collect()
}

async fn list_personal(
    tx: &ReadTx,
    chain: &AuditChain,
    rows: &[AuditEventRow],
) -> Result<BTreeMap<u64, Vec<AuditPersonalRow>>, ServiceError> {
    let seqs: Vec<u64> = rows.iter().map(|row| row.seq.value()).collect();
    let mut by_event: BTreeMap<u64, Vec<AuditPersonalRow>> = BTreeMap::new();
    for value in tx.list_audit_personal_of(chain, &seqs).await? {
        by_event.entry(value.seq.value()).or_default().push(value);
    }
    Ok(by_event)
}

fn respond(row: AuditEventRow, personal: Vec<AuditPersonalRow>) -> Result<AuditEventResponse, ServiceError> {
    let record = RawValue::from_string(row.record).map_err(|_| ServiceError::Internal("a stored record is JSON"))?;
    let values = personal.into_iter().map(|row| (row.field, AuditPersonal { value: row.value, salt: row.salt }));
    Ok(AuditEventResponse { hash: row.hash, record, personal: values.collect() })
}
