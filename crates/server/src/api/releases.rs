use axum::{Json, extract::State, http::StatusCode};
use pintle_api::{
    AcceptReleaseRequest, ListQuery, ListResponse, PrepareReleaseRequest, PreparedReleaseResponse, ReleaseResponse,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiError, Failure,
    extract::{Body, Caller, Ids, ProjectIds, Query, ReleaseIds},
};
use crate::{app::App, clock::now};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(prepare)).routes(routes!(accept, list)).routes(routes!(read))
}

/// Freezes the draft under a number and a date, ready to be signed.
#[utoipa::path(
    post, path = "/organizations/{organization}/projects/{project}/releases/prepare",
    operation_id = "prepare_release", tag = "releases", params(ProjectIds), request_body = PrepareReleaseRequest,
    responses((status = 201, body = PreparedReleaseResponse), Failure),
    extensions(("x-permission" = json!("release")),
        ("x-problems" = json!({"409": ["key_missing", "draft_unchanged"], "422": ["draft_invalid", "config_too_large"]})))
)]
async fn prepare(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<ProjectIds>,
    Body(request): Body<PrepareReleaseRequest>,
) -> Result<(StatusCode, Json<PreparedReleaseResponse>), ApiError> {
    let prepared = app.service.prepare_release(&actor, ids.project(), &request, now()).await?;
    Ok((StatusCode::CREATED, Json(prepared)))
}

/// Accepts a signed release and queues its publication. Repeating it answers with the release it became.
#[utoipa::path(
    post, path = "/organizations/{organization}/projects/{project}/releases", operation_id = "accept_release",
    tag = "releases", params(ProjectIds), request_body = AcceptReleaseRequest,
    responses((status = 202, body = ReleaseResponse), Failure),
    extensions(("x-permission" = json!("release")),
        ("x-problems" = json!({"409": ["key_missing", "succession_outdated", "release_not_prepared", "core"], "413": ["config_too_large"], "422": ["claims_altered", "core"]})))
)]
async fn accept(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<ProjectIds>,
    Body(request): Body<AcceptReleaseRequest>,
) -> Result<(StatusCode, Json<ReleaseResponse>), ApiError> {
    let release = app.service.accept_release(&actor, ids.project(), &request, now()).await?;
    Ok((StatusCode::ACCEPTED, Json(release)))
}

/// The newest 100 releases, newest first.
#[utoipa::path(
    get, path = "/organizations/{organization}/projects/{project}/releases", operation_id = "list_releases",
    tag = "releases", params(ProjectIds, ListQuery), responses((status = 200, body = ListResponse<ReleaseResponse>), Failure),
    extensions(("x-permission" = json!("read")))
)]
async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<ProjectIds>,
    Query(query): Query<ListQuery>,
) -> Result<Json<ListResponse<ReleaseResponse>>, ApiError> {
    Ok(Json(app.service.list_releases(&actor, ids.project(), &query).await?))
}

/// One release and how far its publication is.
#[utoipa::path(
    get, path = "/organizations/{organization}/projects/{project}/releases/{version}",
    operation_id = "read_release", tag = "releases", params(ReleaseIds),
    responses((status = 200, body = ReleaseResponse), Failure),
    extensions(("x-permission" = json!("read")))
)]
async fn read(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<ReleaseIds>,
) -> Result<Json<ReleaseResponse>, ApiError> {
    Ok(Json(app.service.read_release(&actor, ids.project(), ids.version).await?))
}
