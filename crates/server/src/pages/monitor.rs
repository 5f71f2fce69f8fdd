//! What the world shows of what was released, and what apps tell of it.

use askama::Template;
use axum::{Router, extract::State, response::Response, routing::get};
use pintle_api::{
    AlertQuery, AlertResponse, Concern, DriftChangeResponse, DriftHistoryQuery, DriftKind, DriftResponse, ListQuery,
    ViolationSum, ViolationsQuery,
};
use serde::Deserialize;

use super::{
    alerts::{is_moment, severity_mood, whither},
    chart::{Columns, Strip, drift_mood},
    failure::PageError,
    frame::{Frame, render},
    place::{InProject, Query},
    show::words,
    sign_in::form_encode,
};
use crate::{app::App, clock::now};

pub(super) fn router() -> Router<App> {
    let monitor = "/orgs/{organization}/projects/{project}/monitor";
    Router::new().route(monitor, get(read)).route(&format!("{monitor}/changes"), get(list_changes))
}

/// As far back as strips go.
pub(super) const STRIP_DAYS: u64 = 90;
/// As far back as the columns of reports go.
const REPORT_DAYS: u64 = 30;
const MAX_ALERTS: u32 = 10;
/// Rows of reports that the page lists.
const MAX_SUMS: usize = 20;

#[derive(Template)]
#[template(path = "monitor.html")]
struct MonitorPage {
    frame: Frame,
    place: InProject,
    alerts: Vec<AlertResponse>,
    domains: Vec<Watched>,
    places: Vec<Watched>,
    next_cursor: Option<String>,
    columns: Columns,
    reports: Vec<ReportSum>,
    is_cut: bool,
}

#[derive(Template)]
#[template(path = "monitor_changes.html")]
struct ChangesPage {
    frame: Frame,
    place: InProject,
    subject: String,
    changes: Vec<DriftChangeResponse>,
    /// Query of the next page.
    next: Option<String>,
}

/// A domain or place from one vantage point, now and over time.
pub(super) struct Watched {
    pub(super) drift: DriftResponse,
    pub(super) strip: Strip,
}

/// What apps reported of one entry with one code.
struct ReportSum {
    domain: Option<String>,
    code: String,
    refused: u64,
    reported: u64,
}

impl Watched {
    /// With the changes of the whole project, newest first.
    pub(super) fn new(drift: DriftResponse, changes: &[DriftChangeResponse], now: u64) -> Self {
        let is_of = |change: &&DriftChangeResponse| {
            change.kind == drift.kind && change.subject == drift.subject && change.vantage == drift.vantage
        };
        let strip = Strip::new(changes.iter().filter(is_of), drift.state.zip(drift.since), STRIP_DAYS, now);
        Self { drift, strip }
    }
}

async fn read(State(app): State<App>, place: InProject, Query(query): Query<ListQuery>) -> Result<Response, PageError> {
    let (actor, now_secs) = (&place.actor, place.frame.now);
    let alerts = AlertQuery {
        limit: Some(MAX_ALERTS),
        open: true,
        project: Some(place.project.id.clone()),
        ..AlertQuery::default()
    };
    let alerts = app.service.list_alerts(actor, &place.organization.id, &alerts).await?.items;
    let list = app.service.list_drift(actor, place.id(), &query).await?;
    let changes = DriftHistoryQuery { limit: Some(ListQuery::MAX_LIMIT), ..DriftHistoryQuery::default() };
    let changes = app.service.list_drift_changes(actor, place.id(), &changes).await?.items;
    let mut watched: Vec<_> = list.items.into_iter().map(|drift| Watched::new(drift, &changes, now_secs)).collect();
    watched.sort_by_key(|watched| std::cmp::Reverse(watched.drift.state));
    let (domains, places) = watched.into_iter().partition(|watched| watched.drift.kind == DriftKind::Domain);
    let query = ViolationsQuery { days: Some(REPORT_DAYS) };
    let violations = app.service.list_violations(actor, place.id(), &query, now()).await?;
    Ok(render(&MonitorPage {
        alerts,
        domains,
        places,
        next_cursor: list.next_cursor,
        columns: Columns::new(&violations.sums, REPORT_DAYS, now_secs),
        reports: sum_up(&violations.sums),
        is_cut: violations.is_cut,
        frame: place.frame.clone(),
        place: place.at("monitor"),
    }))
}

/// What is seen of one domain, from each vantage point.
pub(super) async fn watch_domain(app: &App, place: &InProject, name: &str) -> Result<Vec<Watched>, PageError> {
    let drift = app.service.list_drift_of(&place.actor, place.id(), DriftKind::Domain, name).await?;
    let query = DriftHistoryQuery {
        subject: Some(name.to_owned()),
        limit: Some(ListQuery::MAX_LIMIT),
        ..DriftHistoryQuery::default()
    };
    let changes = app.service.list_drift_changes(&place.actor, place.id(), &query).await?.items;
    Ok(drift.into_iter().map(|drift| Watched::new(drift, &changes, place.frame.now)).collect())
}

/// Whence something is seen.
pub(super) fn show_vantage(vantage: &str) -> String {
    match vantage {
        "server" => "seen from this server".to_owned(),
        "ct" => "told by those who read CT logs".to_owned(),
        agent => format!("seen by the agent {agent}"),
    }
}

/// By entry and code, the most refusals first.
fn sum_up(sums: &[ViolationSum]) -> Vec<ReportSum> {
    let mut found: Vec<ReportSum> = Vec::new();
    for sum in sums {
        let (domain, code) = (&sum.domain, &sum.code);
        let known = found.iter_mut().find(|known| known.domain == *domain && known.code == *code);
        match known {
            Some(known) => {
                known.refused = known.refused.saturating_add(sum.refused);
                known.reported = known.reported.saturating_add(sum.reported);
            }
            None => found.push(ReportSum {
                domain: domain.clone(),
                code: code.clone(),
                refused: sum.refused,
                reported: sum.reported,
            }),
        }
    }
    found.sort_by_key(|sum| std::cmp::Reverse((sum.refused, sum.reported)));
    found.truncate(MAX_SUMS);
    found
}

#[derive(Deserialize)]
struct ChangesQuery {
    subject: Option<String>,
    cursor: Option<String>,
}

async fn list_changes(
    State(app): State<App>,
    place: InProject,
    Query(ChangesQuery { subject, cursor }): Query<ChangesQuery>,
) -> Result<Response, PageError> {
    let subject = subject.map(|subject| subject.trim().to_owned()).filter(|subject| !subject.is_empty());
    let query = DriftHistoryQuery { subject: subject.clone(), limit: None, cursor };
    let list = app.service.list_drift_changes(&place.actor, place.id(), &query).await?;
    let subject = subject.unwrap_or_default();
    let more = |cursor: String| format!("{}&{}", form_encode("cursor", &cursor), form_encode("subject", &subject));
    let (frame, next) = (place.frame.clone(), list.next_cursor.map(more));
    Ok(render(&ChangesPage { frame, place: place.at("monitor"), subject, changes: list.items, next }))
}
