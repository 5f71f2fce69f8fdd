use axum::{Json, extract::State};
use pintle_api::{ViolationsQuery, ViolationsResponse};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiError, Failure,
    extract::{Caller, Ids, ProjectIds, Query},
};
use crate::{app::App, clock::now};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// What apps reported of a project: sums by day, entry, code and release. Anyone can send anything.
#[utoipa::path(
    get, path = "/organizations/{organization}/projects/{project}/violations", operation_id = "list_violations",
    tag = "violations", params(ProjectIds, ViolationsQuery),
    responses((status = 200, body = ViolationsResponse), Failure),
    extensions(("x-permission" = json!("read")), ("x-problems" = json!({"422": ["value_invalid"]})))
)]
async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<ProjectIds>,
    Query(query): Query<ViolationsQuery>,
) -> Result<Json<ViolationsResponse>, ApiError> {
    Ok(Json(app.service.list_violations(&actor, ids.project(), &query, now()).await?))
}
