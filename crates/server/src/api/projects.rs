use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use pintle_api::{
    BundleResponse, CopyProjectRequest, CreateProjectRequest, DeletionResponse, ListQuery, ListResponse,
    ProjectResponse, RegisterKeyRequest, UpdateProjectRequest,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiError, Failure,
    extract::{Body, Caller, Ids, OrganizationIds, ProjectIds, Query},
};
use crate::{app::App, clock::now};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(read, update, delete))
        .routes(routes!(copy))
        .routes(routes!(register_key))
        .routes(routes!(read_bundle))
}

/// Creates a project: one per app and environment.
#[utoipa::path(
    post, path = "/organizations/{organization}/projects", operation_id = "create_project", tag = "projects",
    params(OrganizationIds), request_body = CreateProjectRequest,
    responses((status = 201, body = ProjectResponse), Failure),
    extensions(("x-permission" = json!("manage_projects")),
        ("x-problems" = json!({"403": ["plan_limit_reached"], "409": ["already_exists"], "422": ["setup_invalid"]})))
)]
async fn create(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<OrganizationIds>,
    Body(request): Body<CreateProjectRequest>,
) -> Result<(StatusCode, Json<ProjectResponse>), ApiError> {
    let project = app.service.create_project(&actor, &ids.organization, &request, now()).await?;
    Ok((StatusCode::CREATED, Json(project)))
}

/// The projects of an organization, by name and environment.
#[utoipa::path(
    get, path = "/organizations/{organization}/projects", operation_id = "list_projects", tag = "projects",
    params(OrganizationIds, ListQuery), responses((status = 200, body = ListResponse<ProjectResponse>), Failure),
    extensions(("x-permission" = json!("read")))
)]
async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<OrganizationIds>,
    Query(query): Query<ListQuery>,
) -> Result<Json<ListResponse<ProjectResponse>>, ApiError> {
    Ok(Json(app.service.list_projects(&actor, &ids.organization, &query).await?))
}

/// One project and where it stands.
#[utoipa::path(
    get, path = "/organizations/{organization}/projects/{project}", operation_id = "read_project", tag = "projects",
    params(ProjectIds), responses((status = 200, body = ProjectResponse), Failure),
    extensions(("x-permission" = json!("read")))
)]
async fn read(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<ProjectIds>,
) -> Result<Json<ProjectResponse>, ApiError> {
    Ok(Json(app.service.read_project(&actor, ids.project()).await?))
}

/// Changes name, environment, or who must agree to a release.
#[utoipa::path(
    patch, path = "/organizations/{organization}/projects/{project}", operation_id = "update_project",
    tag = "projects", params(ProjectIds), request_body = UpdateProjectRequest,
    responses((status = 200, body = ProjectResponse), Failure),
    extensions(("x-permission" = json!("manage_projects")),
        ("x-problems" = json!({"403": ["step_up_needed"], "409": ["already_exists"]})))
)]
async fn update(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<ProjectIds>,
    Body(request): Body<UpdateProjectRequest>,
) -> Result<Json<ProjectResponse>, ApiError> {
    Ok(Json(app.service.update_project(&actor, ids.project(), &request, now()).await?))
}

/// Creates a project with the domains, pins, CT logs and settings of this one's draft, and with a key of its own.
#[utoipa::path(
    post, path = "/organizations/{organization}/projects/{project}/copy", operation_id = "copy_project",
    tag = "projects", params(ProjectIds), request_body = CopyProjectRequest,
    responses((status = 201, body = ProjectResponse), Failure),
    extensions(("x-permission" = json!("manage_projects")),
        ("x-problems" = json!({"403": ["plan_limit_reached"], "409": ["already_exists"], "422": ["setup_invalid"]})))
)]
async fn copy(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<ProjectIds>,
    Body(request): Body<CopyProjectRequest>,
) -> Result<(StatusCode, Json<ProjectResponse>), ApiError> {
    let project = app.service.copy_project(&actor, ids.project(), &request, now()).await?;
    Ok((StatusCode::CREATED, Json(project)))
}

/// Registers the public signing key; possible until the first release.
#[utoipa::path(
    put, path = "/organizations/{organization}/projects/{project}/key", operation_id = "register_key",
    tag = "projects", params(ProjectIds), request_body = RegisterKeyRequest,
    responses((status = 200, body = ProjectResponse), Failure),
    extensions(("x-permission" = json!("manage_keys")),
        ("x-problems" = json!({"409": ["key_fixed"], "422": ["setup_invalid"]})))
)]
async fn register_key(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<ProjectIds>,
    Body(request): Body<RegisterKeyRequest>,
) -> Result<Json<ProjectResponse>, ApiError> {
    Ok(Json(app.service.register_key(&actor, ids.project(), &request, now()).await?))
}

/// `pintle.json`: what apps embed.
#[utoipa::path(
    get, path = "/organizations/{organization}/projects/{project}/bundle", operation_id = "read_bundle",
    tag = "projects", params(ProjectIds), responses((status = 200, body = BundleResponse), Failure),
    extensions(("x-permission" = json!("read")),
        ("x-problems" = json!({"409": ["key_missing"]})))
)]
async fn read_bundle(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<ProjectIds>,
) -> Result<impl IntoResponse, ApiError> {
    let bundle = app.service.read_bundle(&actor, ids.project()).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], bundle))
}

/// Deletes a project: hidden at once, its files leave every target, erased for good later. Apps go on with their copy.
#[utoipa::path(
    delete, path = "/organizations/{organization}/projects/{project}", operation_id = "delete_project",
    tag = "projects", params(ProjectIds), responses((status = 202, body = DeletionResponse), Failure),
    extensions(("x-permission" = json!("manage_projects")), ("x-problems" = json!({"403": ["step_up_needed"]})))
)]
async fn delete(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<ProjectIds>,
) -> Result<(StatusCode, Json<DeletionResponse>), ApiError> {
    Ok((StatusCode::ACCEPTED, Json(app.service.delete_project(&actor, ids.project(), now()).await?)))
}
