use chrono::DateTime;
use icalendar::{Calendar, Component as _, Event, EventLike as _};
use pintle_api::CalendarSecret;
use pintle_core::UnixTime;
use pintle_store::{DueDateRow, DueKind};
use sha2::{Digest as _, Sha256};

use crate::{
    Permission, Service, ServiceError,
    alert::{DAY_SECS, alert_kind},
    hex::write_hex,
};

/// Who wrote it (RFC 5545 §3.7.3).
const PRODUCT: &str = concat!("-//Pintle//Pintle ", env!("CARGO_PKG_VERSION"), "//EN");
/// Nobody reads more of a calendar.
const MAX_EVENTS: u64 = 1000;
/// What ends later than in ten years is nobody's concern yet.
const HORIZON_SECS: u64 = 3650 * DAY_SECS;

impl Service {
    /// The calendar (RFC 5545) under a secret, with or without `.ics` at its end: what ends in the organization, as long as
    /// the member whose secret it is may see it; `None` otherwise.
    ///
    /// # Errors
    /// [`ServiceError::Store`].
    pub async fn read_calendar(&self, secret: &str, now: UnixTime) -> Result<Option<String>, ServiceError> {
        let Ok(secret) = CalendarSecret::parse(secret.strip_suffix(".ics").unwrap_or(secret)) else { return Ok(None) };
        let tx = self.store.read().await?;
        let Some(feed) = tx.find_calendar_feed(&write_hex(&secret.sha256())).await? else { return Ok(None) };
        let member = tx.find_membership(&feed.account_id, &feed.organization_id).await?;
        let member = member.filter(|member| Permission::Read.roles().contains(&member.role));
        let Some(member) = member else { return Ok(None) };
        let mut calendar = Calendar::empty();
        calendar.append_property(("VERSION", "2.0")).append_property(("PRODID", PRODUCT));
        calendar.name(&format!("Pintle: {}", member.organization.name)).description("What ends, and when.");
        let until = now.saturating_add_secs(HORIZON_SECS).as_secs();
        for due in tx.list_due_dates_until(&member.scope, until, MAX_EVENTS).await? {
            let project = tx.load_project(&due.project_id).await?;
            let place = project.map(|project| format!("{}/{}", project.row.name, project.row.environment));
            calendar.extend(describe(&due, &place.unwrap_or_default()));
        }
        Ok(Some(calendar.to_string()))
    }
}

/// An entry of a whole day; the same thing has the same id in every reading.
fn describe(due: &DueDateRow, place: &str) -> Option<Event> {
    let moment = |secs: u64| i64::try_from(secs).ok().and_then(|secs| DateTime::from_timestamp(secs, 0));
    let (what, kind) = match due.kind {
        DueKind::Certificate => ("Certificate", "certificate"),
        DueKind::Pin => ("Pin", "pin"),
        DueKind::Configuration => ("Configuration", "configuration"),
    };
    let identity = format!("{}/{kind}/{}", due.project_id, due.subject);
    let mut event = Event::new();
    event
        .uid(&format!("{}@pintle", write_hex(&Sha256::digest(identity.as_bytes()))))
        .timestamp(moment(due.noted_at.value())?)
        .starts(moment(due.due_at.value())?.date_naive())
        .summary(&format!("{what} ends: {}", pintle_api::replace_hostile(&due.subject)))
        .description(&format!("{place}\n{}", alert_kind(due.kind).runbook()));
    Some(event.done())
}
