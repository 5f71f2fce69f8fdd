use axum::{Json, extract::State};
use pintle_api::{DriftChangeResponse, DriftHistoryQuery, DriftResponse, ListQuery, ListResponse};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiError, Failure,
    extract::{Caller, Ids, ProjectIds, Query},
};
use crate::app::App;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(list_changes))
}

/// What the world shows of the live release: of each domain and of each place that apps fetch it from, by kind, name and
/// vantage point.
#[utoipa::path(
    get, path = "/organizations/{organization}/projects/{project}/drift", operation_id = "list_drift", tag = "drift",
    params(ProjectIds, ListQuery), responses((status = 200, body = ListResponse<DriftResponse>), Failure),
    extensions(("x-permission" = json!("read")))
)]
async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<ProjectIds>,
    Query(query): Query<ListQuery>,
) -> Result<Json<ListResponse<DriftResponse>>, ApiError> {
    Ok(Json(app.service.list_drift(&actor, ids.project(), &query).await?))
}

/// What changed of it within a year, newest first.
#[utoipa::path(
    get, path = "/organizations/{organization}/projects/{project}/drift/changes", operation_id = "list_drift_changes",
    tag = "drift", params(ProjectIds, DriftHistoryQuery),
    responses((status = 200, body = ListResponse<DriftChangeResponse>), Failure),
    extensions(("x-permission" = json!("read")))
)]
async fn list_changes(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<ProjectIds>,
    Query(query): Query<DriftHistoryQuery>,
) -> Result<Json<ListResponse<DriftChangeResponse>>, ApiError> {
    Ok(Json(app.service.list_drift_changes(&actor, ids.project(), &query).await?))
}
