use axum::{Json, extract::State, response::Response};
use pintle_api::{CtLogsResponse, DraftResponse, GuardResponse, ReplaceCtLogsRequest, UpdateDraftRequest};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiError, Failure,
    extract::{Body, Caller, ExpectedRevision, Ids, ProjectIds},
    with_revision,
};
use crate::{app::App, clock::now};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(read, update))
        .routes(routes!(guard))
        .routes(routes!(read_ct_logs, replace_ct_logs))
}

/// The draft, its difference from the last accepted release, and what deserves a second look.
#[utoipa::path(
    get, path = "/organizations/{organization}/projects/{project}/draft", operation_id = "read_draft", tag = "draft",
    params(ProjectIds),
    responses((status = 200, body = DraftResponse, headers(("ETag" = String, description = "The revision"))), Failure),
    extensions(("x-permission" = json!("read")))
)]
async fn read(State(app): State<App>, Caller(actor): Caller, Ids(ids): Ids<ProjectIds>) -> Result<Response, ApiError> {
    let draft = app.service.read_draft(&actor, ids.project(), now()).await?;
    Ok(with_revision(draft.revision, Json(draft)))
}

/// What the safe-publish guard says of the draft, after a look at its live servers; nothing is prepared.
#[utoipa::path(
    get, path = "/organizations/{organization}/projects/{project}/draft/guard", operation_id = "guard_draft",
    tag = "draft", params(ProjectIds), responses((status = 200, body = GuardResponse), Failure),
    extensions(("x-permission" = json!("edit_draft")),
        ("x-problems" = json!({"409": ["key_missing"], "422": ["draft_invalid", "config_too_large"], "429": ["guard_busy"]})))
)]
async fn guard(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<ProjectIds>,
) -> Result<Json<GuardResponse>, ApiError> {
    Ok(Json(app.service.guard_draft(&actor, ids.project(), now()).await?))
}

/// Changes settings of the draft.
#[utoipa::path(
    patch, path = "/organizations/{organization}/projects/{project}/draft", operation_id = "update_draft",
    tag = "draft", params(ProjectIds, ("If-Match" = Option<String>, Header, description = "`ETag` of the draft")),
    request_body = UpdateDraftRequest,
    responses((status = 200, body = DraftResponse, headers(("ETag" = String, description = "The revision"))), Failure),
    extensions(("x-permission" = json!("edit_draft")))
)]
async fn update(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<ProjectIds>,
    ExpectedRevision(revision): ExpectedRevision,
    Body(request): Body<UpdateDraftRequest>,
) -> Result<Response, ApiError> {
    let draft = app.service.update_draft(&actor, ids.project(), &request, revision, now()).await?;
    Ok(with_revision(draft.revision, Json(draft)))
}

/// The Certificate Transparency logs of the draft, by operator and name.
#[utoipa::path(
    get, path = "/organizations/{organization}/projects/{project}/draft/ct-logs", operation_id = "read_ct_logs",
    tag = "draft", params(ProjectIds), responses((status = 200, body = CtLogsResponse), Failure),
    extensions(("x-permission" = json!("read")))
)]
async fn read_ct_logs(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<ProjectIds>,
) -> Result<Json<CtLogsResponse>, ApiError> {
    Ok(Json(app.service.read_ct_logs(&actor, ids.project()).await?))
}

/// Replaces the Certificate Transparency logs of the draft, all of them.
#[utoipa::path(
    put, path = "/organizations/{organization}/projects/{project}/draft/ct-logs", operation_id = "replace_ct_logs",
    tag = "draft", params(ProjectIds, ("If-Match" = Option<String>, Header, description = "`ETag` of the draft")),
    request_body = ReplaceCtLogsRequest, responses((status = 200, body = CtLogsResponse), Failure),
    extensions(("x-permission" = json!("edit_draft")),
        ("x-problems" = json!({"422": ["draft_invalid", "config_too_large"]})))
)]
async fn replace_ct_logs(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<ProjectIds>,
    ExpectedRevision(revision): ExpectedRevision,
    Body(request): Body<ReplaceCtLogsRequest>,
) -> Result<Json<CtLogsResponse>, ApiError> {
    Ok(Json(app.service.replace_ct_logs(&actor, ids.project(), &request, revision, now()).await?))
}
