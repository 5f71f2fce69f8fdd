use axum::{Json, extract::State, http::StatusCode};
use pintle_api::{
    CreateOrganizationRequest, DeletionResponse, ListQuery, ListResponse, OrganizationResponse,
    UpdateOrganizationRequest,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiError, Failure,
    extract::{Body, Caller, Ids, OrganizationIds, Query},
};
use crate::{app::App, clock::now};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(create, list)).routes(routes!(read, update, delete))
}

/// Creates an organization owned by the caller.
#[utoipa::path(
    post, path = "/organizations", operation_id = "create_organization", tag = "organizations",
    request_body = CreateOrganizationRequest, responses((status = 201, body = OrganizationResponse), Failure),
    extensions(("x-permission" = json!("scope:admin")),
        ("x-problems" = json!({"403": ["plan_limit_reached", "token_limited"]})))
)]
async fn create(
    State(app): State<App>,
    Caller(actor): Caller,
    Body(request): Body<CreateOrganizationRequest>,
) -> Result<(StatusCode, Json<OrganizationResponse>), ApiError> {
    Ok((StatusCode::CREATED, Json(app.service.create_organization(&actor, &request, now()).await?)))
}

/// The caller's organizations, by name.
#[utoipa::path(
    get, path = "/organizations", operation_id = "list_organizations", tag = "organizations",
    params(ListQuery), responses((status = 200, body = ListResponse<OrganizationResponse>), Failure),
    extensions(("x-permission" = json!("scope:read")))
)]
async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<ListResponse<OrganizationResponse>>, ApiError> {
    Ok(Json(app.service.list_organizations(&actor, &query).await?))
}

/// One organization.
#[utoipa::path(
    get, path = "/organizations/{organization}", operation_id = "read_organization", tag = "organizations",
    params(OrganizationIds), responses((status = 200, body = OrganizationResponse), Failure),
    extensions(("x-permission" = json!("read")))
)]
async fn read(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<OrganizationIds>,
) -> Result<Json<OrganizationResponse>, ApiError> {
    Ok(Json(app.service.read_organization(&actor, &ids.organization).await?))
}

/// Gives an organization another name, or has its members come by single sign-on.
#[utoipa::path(
    patch, path = "/organizations/{organization}", operation_id = "update_organization", tag = "organizations",
    params(OrganizationIds), request_body = UpdateOrganizationRequest,
    responses((status = 200, body = OrganizationResponse), Failure),
    extensions(("x-permission" = json!("manage_organization")), ("x-problems" = json!({"403": ["step_up_needed"]})))
)]
async fn update(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<OrganizationIds>,
    Body(request): Body<UpdateOrganizationRequest>,
) -> Result<Json<OrganizationResponse>, ApiError> {
    Ok(Json(app.service.update_organization(&actor, &ids.organization, &request, now()).await?))
}

/// Deletes an organization with everything in it: hidden at once, erased for good later.
#[utoipa::path(
    delete, path = "/organizations/{organization}", operation_id = "delete_organization", tag = "organizations",
    params(OrganizationIds), responses((status = 202, body = DeletionResponse), Failure),
    extensions(("x-permission" = json!("own_organization")), ("x-problems" = json!({"403": ["step_up_needed"]})))
)]
async fn delete(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<OrganizationIds>,
) -> Result<(StatusCode, Json<DeletionResponse>), ApiError> {
    Ok((StatusCode::ACCEPTED, Json(app.service.delete_organization(&actor, &ids.organization, now()).await?)))
}
