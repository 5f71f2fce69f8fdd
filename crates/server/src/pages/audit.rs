//! The audit log of an organization: search, and an export that proves itself.

use askama::Template;
use axum::{
    Router,
    extract::State,
    http::header,
    response::{IntoResponse as _, Response},
    routing::get,
};
use pintle_api::{AuditActorKind, AuditExportHeader, AuditOrder, AuditQuery, AuditRecord, ListQuery, ProjectResponse};

use super::{
    failure::PageError,
    form::{Fields, Form},
    frame::{Frame, render},
    place::{InOrganization, Query},
    sign_in::form_encode,
};
use crate::app::App;

pub(super) fn router() -> Router<App> {
    Router::new().route("/orgs/{organization}/audit", get(list)).route("/orgs/{organization}/audit/export", get(export))
}

/// More is for `pintle audit export`, which writes as it reads.
const MAX_EXPORTED: usize = 20_000;

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    frame: Frame,
    place: InOrganization,
    entries: Vec<Entry>,
    projects: Vec<ProjectResponse>,
    form: Form,
    /// Query of the next page.
    next: Option<String>,
}

/// An event in words.
struct Entry {
    record: AuditRecord,
    /// Who, by name where it is still known.
    who: String,
    /// To what.
    what: String,
    network: Option<String>,
}

/// What is sought, as a form of a page says it; what is empty is not sought.
fn read_query(fields: &Fields) -> AuditQuery {
    AuditQuery {
        limit: None,
        cursor: fields.optional("cursor"),
        order: None,
        from: None,
        until: None,
        action: fields.optional("action"),
        actor: fields.optional("actor"),
        target: fields.optional("target"),
        project: fields.optional("project"),
    }
}

async fn list(
    State(app): State<App>,
    place: InOrganization,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response, PageError> {
    let fields = Fields::of(&pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>());
    let (actor, organization) = (&place.actor, &place.organization.id);
    let projects = app.service.list_projects(actor, organization, &ListQuery::default()).await?.items;
    let (events, form) = match app.service.list_audit_events(actor, organization, &read_query(&fields)).await {
        Ok(list) => (Some(list), Form { fields, refusal: None }),
        Err(error) => (None, Form::refused(fields, error)?),
    };
    let (items, cursor) = events.map(|list| (list.items, list.next_cursor)).unwrap_or_default();
    let personal = |event: &pintle_api::AuditEventResponse, name: &str| {
        event.personal.get(name).map(|personal| personal.value.clone())
    };
    let entries = items.iter().filter_map(|event| {
        let record = event.parse_record().ok()?;
        let who = match record.actor.kind {
            AuditActorKind::Account => personal(event, "actor_name").or_else(|| record.actor.account_id.clone()),
            AuditActorKind::System => Some("the server".to_owned()),
            AuditActorKind::Anonymous => Some("somebody not signed in".to_owned()),
        };
        let name = record.target.name.clone().or_else(|| personal(event, "target_name"));
        let what = name.or_else(|| record.target.id.clone()).unwrap_or_default();
        let network = personal(event, "network");
        Some(Entry { what: format!("{} {what}", record.target.kind), who: who.unwrap_or_default(), network, record })
    });
    let kept = ["action", "actor", "target", "project"].map(|name| form_encode(name, form.fields.text(name)));
    let next = cursor.map(|cursor| format!("{}&{}", form_encode("cursor", &cursor), kept.join("&")));
    let entries = entries.collect();
    Ok(render(&AuditPage { frame: place.frame.clone(), place: place.at("audit"), entries, projects, form, next }))
}

/// The whole chain as JSON Lines, oldest first, as `pintle audit verify` reads it.
async fn export(State(app): State<App>, place: InOrganization) -> Result<Response, PageError> {
    let (actor, organization) = (&place.actor, &place.organization.id);
    let chain = app.service.read_audit_chain(actor, organization).await?;
    let mut lines = Vec::new();
    let mut query =
        AuditQuery { limit: Some(ListQuery::MAX_LIMIT), order: Some(AuditOrder::Oldest), ..AuditQuery::default() };
    let head = chain.head.as_ref().map_or(0, |head| head.seq);
    loop {
        let list = app.service.list_audit_events(actor, organization, &query).await?;
        // What happened since the chain was read is not in its header.
        let within = list.items.iter().filter(|event| event.parse_record().is_ok_and(|record| record.seq <= head));
        lines.extend(within.filter_map(|event| serde_json::to_string(event).ok()));
        match list.next_cursor {
            Some(cursor) if lines.len() < MAX_EXPORTED => query.cursor = Some(cursor),
            rest => {
                let is_complete = rest.is_none();
                let header = AuditExportHeader { pintle_audit_export: 1, is_complete, chain };
                lines.insert(0, serde_json::to_string(&header).map_err(|_| PageError::INTERNAL)?);
                break;
            }
        }
    }
    let name = format!("attachment; filename=\"audit-{organization}.jsonl\"");
    let headers = [(header::CONTENT_TYPE, "application/jsonl".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, lines.join("\n") + "\n").into_response())
}
