use axum::{Json, extract::State, http::StatusCode};
use pintle_api::{
    AddProbeAgentRequest, ListQuery, ListResponse, ProbeAgentResponse, ProbeReportRequest, ProbeReportResponse,
    ProbeTaskResponse,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiError, Failure,
    extract::{Body, Caller, Ids, OrganizationIds, ProbeAgentIds, ProjectIds, Query},
};
use crate::{app::App, clock::now};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(add, list))
        .routes(routes!(remove))
        .routes(routes!(tasks))
        .routes(routes!(report))
}

/// Lets a program inside another network report what it sees there of the organization's domains.
#[utoipa::path(
    post, path = "/organizations/{organization}/probe-agents", operation_id = "add_probe_agent", tag = "drift",
    params(OrganizationIds), request_body = AddProbeAgentRequest,
    responses((status = 201, body = ProbeAgentResponse), Failure),
    extensions(("x-permission" = json!("manage_probes")),
        ("x-problems" = json!({"409": ["already_exists", "probe_agents_too_many"], "422": ["value_invalid", "setup_invalid"]})))
)]
async fn add(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<OrganizationIds>,
    Body(request): Body<AddProbeAgentRequest>,
) -> Result<(StatusCode, Json<ProbeAgentResponse>), ApiError> {
    let agent = app.service.add_probe_agent(&actor, &ids.organization, &request, now()).await?;
    Ok((StatusCode::CREATED, Json(agent)))
}

/// The probe agents of the organization, by name.
#[utoipa::path(
    get, path = "/organizations/{organization}/probe-agents", operation_id = "list_probe_agents", tag = "drift",
    params(OrganizationIds, ListQuery), responses((status = 200, body = ListResponse<ProbeAgentResponse>), Failure),
    extensions(("x-permission" = json!("read")))
)]
async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<OrganizationIds>,
    Query(query): Query<ListQuery>,
) -> Result<Json<ListResponse<ProbeAgentResponse>>, ApiError> {
    Ok(Json(app.service.list_probe_agents(&actor, &ids.organization, &query).await?))
}

/// Takes no report of an agent any more, and believes nothing on its word.
#[utoipa::path(
    delete, path = "/organizations/{organization}/probe-agents/{agent}", operation_id = "remove_probe_agent",
    tag = "drift", params(ProbeAgentIds), responses((status = 204, description = "Removed"), Failure),
    extensions(("x-permission" = json!("manage_probes")))
)]
async fn remove(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<ProbeAgentIds>,
) -> Result<StatusCode, ApiError> {
    app.service.remove_probe_agent(&actor, &ids.organization, &ids.agent, now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a probe agent is to look at: the domains of the live release, by name, with the hosts that stand for each.
#[utoipa::path(
    get, path = "/organizations/{organization}/projects/{project}/probe-tasks", operation_id = "list_probe_tasks",
    tag = "drift", params(ProjectIds, ListQuery),
    responses((status = 200, body = ListResponse<ProbeTaskResponse>), Failure),
    extensions(("x-permission" = json!("report_probes")))
)]
async fn tasks(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<ProjectIds>,
    Query(query): Query<ListQuery>,
) -> Result<Json<ListResponse<ProbeTaskResponse>>, ApiError> {
    Ok(Json(app.service.list_probe_tasks(&actor, ids.project(), &query).await?))
}

/// Takes what a probe agent saw, signed with its key, and says what is believed of it. A report counts once, and for five minutes.
#[utoipa::path(
    post, path = "/organizations/{organization}/projects/{project}/probe-reports", operation_id = "report_probe",
    tag = "drift", params(ProjectIds), request_body = ProbeReportRequest,
    responses((status = 200, body = ProbeReportResponse), Failure),
    extensions(("x-permission" = json!("report_probes")),
        ("x-problems" = json!({"409": ["report_replayed"],
            "422": ["report_signature_invalid", "report_malformed", "report_stale"]})))
)]
async fn report(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<ProjectIds>,
    Body(request): Body<ProbeReportRequest>,
) -> Result<Json<ProbeReportResponse>, ApiError> {
    Ok(Json(app.service.report_probe(&actor, ids.project(), &request, now()).await?))
}
