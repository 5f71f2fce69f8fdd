//! Probe agents of an organization: programs inside other networks that report what they see there.

use askama::Template;
use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::{get, post},
};
use pintle_api::{AddProbeAgentRequest, ListQuery, ProbeAgentResponse};
use serde::Deserialize;

use super::{
    failure::PageError,
    form::{Form, Submitted},
    frame::{Frame, go_on, render},
    place::{InOrganization, Query},
};
use crate::{app::App, clock::now};

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/orgs/{organization}/agents", get(list).post(add))
        .route("/orgs/{organization}/agents/{agent}/remove", post(remove))
}

#[derive(Template)]
#[template(path = "agents.html")]
struct AgentsPage {
    frame: Frame,
    place: InOrganization,
    agents: Vec<ProbeAgentResponse>,
    next_cursor: Option<String>,
    form: Form,
}

#[derive(Deserialize)]
struct AgentId {
    agent: String,
}

async fn list(
    State(app): State<App>,
    place: InOrganization,
    Query(query): Query<ListQuery>,
) -> Result<Response, PageError> {
    show(&app, place, &query, Form::default()).await
}

async fn show(app: &App, place: InOrganization, query: &ListQuery, form: Form) -> Result<Response, PageError> {
    let list = app.service.list_probe_agents(&place.actor, &place.organization.id, query).await?;
    let (agents, next_cursor) = (list.items, list.next_cursor);
    Ok(render(&AgentsPage { frame: place.frame.clone(), place: place.at("agents"), agents, next_cursor, form }))
}

async fn add(
    State(app): State<App>,
    place: InOrganization,
    Submitted { fields, .. }: Submitted,
) -> Result<Response, PageError> {
    let request = AddProbeAgentRequest { name: fields.owned("name"), public_key: fields.owned("public_key") };
    match app.service.add_probe_agent(&place.actor, &place.organization.id, &request, now()).await {
        Ok(_) => Ok(go_on(&format!("{}/agents", place.path()), "agent-added")),
        Err(error) => show(&app, place, &ListQuery::default(), Form::refused(fields, error)?).await,
    }
}

async fn remove(
    State(app): State<App>,
    place: InOrganization,
    Path(AgentId { agent }): Path<AgentId>,
    Submitted { .. }: Submitted,
) -> Result<Response, PageError> {
    app.service.remove_probe_agent(&place.actor, &place.organization.id, &agent, now()).await?;
    Ok(go_on(&format!("{}/agents", place.path()), "agent-removed"))
}
