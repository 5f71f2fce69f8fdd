use axum::{Json, extract::State, http::StatusCode};
use pintle_api::{
    AddTargetRequest, DestinationResponse, ListQuery, ListResponse, RemoveTargetQuery, TargetResponse,
    TargetTestResponse,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiError, Failure,
    extract::{Body, Caller, Ids, OrganizationIds, ProjectIds, Query, TargetIds},
};
use crate::{app::App, clock::now};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_destinations))
        .routes(routes!(add, list))
        .routes(routes!(remove))
        .routes(routes!(test))
}

/// The places that the operator lets the organization publish to, by name.
#[utoipa::path(
    get, path = "/organizations/{organization}/destinations", operation_id = "list_destinations", tag = "targets",
    params(OrganizationIds, ListQuery), responses((status = 200, body = ListResponse<DestinationResponse>), Failure),
    extensions(("x-permission" = json!("read")))
)]
async fn list_destinations(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<OrganizationIds>,
    Query(query): Query<ListQuery>,
) -> Result<Json<ListResponse<DestinationResponse>>, ApiError> {
    Ok(Json(app.service.list_offered_destinations(&actor, &ids.organization, &query).await?))
}

/// Adds a target: it gets the live release at once, and every one that follows.
#[utoipa::path(
    post, path = "/organizations/{organization}/projects/{project}/targets", operation_id = "add_target",
    tag = "targets", params(ProjectIds), request_body = AddTargetRequest,
    responses((status = 201, body = TargetResponse), Failure),
    extensions(("x-permission" = json!("manage_targets")),
        ("x-problems" = json!({"409": ["already_exists", "targets_too_many"], "422": ["destination_not_offered"]})))
)]
async fn add(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<ProjectIds>,
    Body(request): Body<AddTargetRequest>,
) -> Result<(StatusCode, Json<TargetResponse>), ApiError> {
    let target = app.service.add_target(&actor, ids.project(), &request, now()).await?;
    Ok((StatusCode::CREATED, Json(target)))
}

/// The targets of the project, by name. How far a release is at each, the release says.
#[utoipa::path(
    get, path = "/organizations/{organization}/projects/{project}/targets", operation_id = "list_targets",
    tag = "targets", params(ProjectIds, ListQuery), responses((status = 200, body = ListResponse<TargetResponse>), Failure),
    extensions(("x-permission" = json!("read")))
)]
async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<ProjectIds>,
    Query(query): Query<ListQuery>,
) -> Result<Json<ListResponse<TargetResponse>>, ApiError> {
    Ok(Json(app.service.list_targets(&actor, ids.project(), &query).await?))
}

/// Removes a target; it holds up no release any more.
#[utoipa::path(
    delete, path = "/organizations/{organization}/projects/{project}/targets/{target}", operation_id = "remove_target",
    tag = "targets", params(TargetIds, RemoveTargetQuery), responses((status = 204, description = "Removed"), Failure),
    extensions(("x-permission" = json!("manage_targets")))
)]
async fn remove(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<TargetIds>,
    Query(query): Query<RemoveTargetQuery>,
) -> Result<StatusCode, ApiError> {
    app.service.remove_target(&actor, ids.project(), &ids.target, query.unpublish, now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Tries a destination with a file that means nothing, as a publication of this project would use it, and says what is
/// missing. It need not be a target yet.
#[utoipa::path(
    post, path = "/organizations/{organization}/projects/{project}/targets/{target}/test", operation_id = "test_target",
    tag = "targets", params(TargetIds), responses((status = 200, body = TargetTestResponse), Failure),
    extensions(("x-permission" = json!("manage_targets")),
        ("x-problems" = json!({"422": ["destination_not_offered"]})))
)]
async fn test(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<TargetIds>,
) -> Result<Json<TargetTestResponse>, ApiError> {
    Ok(Json(app.service.test_target(&actor, ids.project(), &ids.target, now()).await?))
}
