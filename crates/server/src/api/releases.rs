use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use pintle_api::{
    AcceptReleaseRequest, ApproveReleaseRequest, DiffQuery, DiffResponse, ListQuery, ListResponse,
    PrepareReleaseRequest, PreparedReleaseResponse, ReconcileRequest, ReconcileResponse, ReleaseResponse,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiError, Failure,
    extract::{Body, Caller, Ids, ProjectIds, Query, ReleaseIds},
};
use crate::{app::App, clock::now};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(prepare))
        .routes(routes!(accept, list))
        .routes(routes!(reconcile))
        .routes(routes!(read))
        .routes(routes!(read_file))
        .routes(routes!(approve))
        .routes(routes!(cancel))
        .routes(routes!(diff))
}

/// Freezes the draft, or what an earlier release said, or a withdrawal, under a number and a date, ready to be signed.
#[utoipa::path(
    post, path = "/organizations/{organization}/projects/{project}/releases/prepare",
    operation_id = "prepare_release", tag = "releases", params(ProjectIds), request_body = PrepareReleaseRequest,
    responses((status = 201, body = PreparedReleaseResponse), Failure),
    extensions(("x-permission" = json!("release")),
        ("x-problems" = json!({"403": ["step_up_needed"], "409": ["key_missing", "draft_unchanged", "release_is_withdrawal", "nothing_released", "guard_refused", "guard_outdated"], "422": ["draft_invalid", "config_too_large"], "429": ["guard_busy"]})))
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

/// Accepts a signed release and queues its publication, as soon as a second person agreed and its time has come, where
/// either is asked for. Repeating it answers with the release it became.
#[utoipa::path(
    post, path = "/organizations/{organization}/projects/{project}/releases", operation_id = "accept_release",
    tag = "releases", params(ProjectIds), request_body = AcceptReleaseRequest,
    responses((status = 202, body = ReleaseResponse), Failure),
    extensions(("x-permission" = json!("release")),
        ("x-problems" = json!({"409": ["key_missing", "succession_outdated", "release_not_prepared", "core"], "413": ["config_too_large"], "422": ["claims_altered", "publish_at_invalid", "core"]})))
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

/// Imports releases that were signed and published without the server: the files given, and what its own targets show.
/// Each must verify against the project's keys. Repeating it imports nothing twice.
#[utoipa::path(
    post, path = "/organizations/{organization}/projects/{project}/releases/reconcile",
    operation_id = "reconcile_releases", tag = "releases", params(ProjectIds), request_body = ReconcileRequest,
    responses((status = 200, body = ReconcileResponse), Failure),
    extensions(("x-permission" = json!("release")),
        ("x-problems" = json!({"409": ["key_missing"], "422": ["value_invalid"]})))
)]
async fn reconcile(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<ProjectIds>,
    Body(request): Body<ReconcileRequest>,
) -> Result<Json<ReconcileResponse>, ApiError> {
    Ok(Json(app.service.reconcile_releases(&actor, ids.project(), &request, now()).await?))
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

/// The signed file of a release, byte for byte, also of one that waits.
#[utoipa::path(
    get, path = "/organizations/{organization}/projects/{project}/releases/{version}/file",
    operation_id = "read_release_file", tag = "releases", params(ReleaseIds),
    responses((status = 200, body = String, content_type = "application/jose"), Failure),
    extensions(("x-permission" = json!("read")))
)]
async fn read_file(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<ReleaseIds>,
) -> Result<impl IntoResponse, ApiError> {
    let file = app.service.read_release_file(&actor, ids.project(), ids.version).await?;
    Ok(([(header::CONTENT_TYPE, "application/jose")], file))
}

/// Agrees, as a second person, to a release that waits for one. The guard looks again first. Repeating it answers as the first time.
#[utoipa::path(
    post, path = "/organizations/{organization}/projects/{project}/releases/{version}/approve",
    operation_id = "approve_release", tag = "releases", params(ReleaseIds), request_body = ApproveReleaseRequest,
    responses((status = 200, body = ReleaseResponse), Failure),
    extensions(("x-permission" = json!("approve_release")),
        ("x-problems" = json!({"403": ["approval_needs_another_person"], "409": ["release_not_awaiting_approval", "claims_altered", "succession_outdated", "guard_refused", "core"], "422": ["core"], "429": ["guard_busy"]})))
)]
async fn approve(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<ReleaseIds>,
    Body(request): Body<ApproveReleaseRequest>,
) -> Result<Json<ReleaseResponse>, ApiError> {
    Ok(Json(app.service.approve_release(&actor, ids.project(), ids.version, &request, now()).await?))
}

/// Takes back a release that waits for a second person or for its time. Repeating it answers as the first time.
#[utoipa::path(
    post, path = "/organizations/{organization}/projects/{project}/releases/{version}/cancel",
    operation_id = "cancel_release", tag = "releases", params(ReleaseIds),
    responses((status = 200, body = ReleaseResponse), Failure),
    extensions(("x-permission" = json!("release")),
        ("x-problems" = json!({"409": ["release_not_pending"]})))
)]
async fn cancel(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<ReleaseIds>,
) -> Result<Json<ReleaseResponse>, ApiError> {
    Ok(Json(app.service.cancel_release(&actor, ids.project(), ids.version, now()).await?))
}

/// What differs between two releases, or one of them and the draft.
#[utoipa::path(
    get, path = "/organizations/{organization}/projects/{project}/diff", operation_id = "diff", tag = "releases",
    params(ProjectIds, DiffQuery), responses((status = 200, body = DiffResponse), Failure),
    extensions(("x-permission" = json!("read")),
        ("x-problems" = json!({"409": ["key_missing"], "422": ["value_invalid"]})))
)]
async fn diff(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<ProjectIds>,
    Query(query): Query<DiffQuery>,
) -> Result<Json<DiffResponse>, ApiError> {
    Ok(Json(app.service.diff(&actor, ids.project(), &query, now()).await?))
}
