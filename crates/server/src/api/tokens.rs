use axum::{Json, extract::State, http::StatusCode};
use pintle_api::{
    CreateTokenRequest, CreatedTokenResponse, ListQuery, ListResponse, TokenResponse, UpdateTokenRequest,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiError, Failure,
    extract::{Body, Caller, Ids, OrganizationIds, OrganizationTokenIds, Query, TokenIds},
};
use crate::{app::App, clock::now};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(update, revoke))
        .routes(routes!(list_of_organization))
        .routes(routes!(revoke_of_organization))
}

/// Creates a token of the caller's account, with at most the caller's scopes and lifetime. Its secret is shown this once.
#[utoipa::path(
    post, path = "/tokens", operation_id = "create_token", tag = "tokens", request_body = CreateTokenRequest,
    responses((status = 201, body = CreatedTokenResponse), Failure),
    extensions(("x-permission" = json!("scope:admin")),
        ("x-problems" = json!({"403": ["token_limited", "step_up_needed"], "404": ["not_found"], "409": ["too_many_tokens"],
            "422": ["lifetime_exceeded", "scope_exceeded"]})))
)]
async fn create(
    State(app): State<App>,
    Caller(actor): Caller,
    Body(request): Body<CreateTokenRequest>,
) -> Result<(StatusCode, Json<CreatedTokenResponse>), ApiError> {
    Ok((StatusCode::CREATED, Json(app.service.create_token(&actor, &request, now()).await?)))
}

/// The tokens of the caller's account that are not revoked, oldest first.
#[utoipa::path(
    get, path = "/tokens", operation_id = "list_tokens", tag = "tokens", params(ListQuery),
    responses((status = 200, body = ListResponse<TokenResponse>), Failure),
    extensions(("x-permission" = json!("scope:read")),
        ("x-problems" = json!({"403": ["token_limited"]})))
)]
async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<ListResponse<TokenResponse>>, ApiError> {
    Ok(Json(app.service.list_tokens(&actor, &query).await?))
}

/// Gives a token of the caller's account another name.
#[utoipa::path(
    patch, path = "/tokens/{token}", operation_id = "update_token", tag = "tokens", params(TokenIds),
    request_body = UpdateTokenRequest, responses((status = 200, body = TokenResponse), Failure),
    extensions(("x-permission" = json!("scope:admin")),
        ("x-problems" = json!({"403": ["token_limited"]})))
)]
async fn update(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<TokenIds>,
    Body(request): Body<UpdateTokenRequest>,
) -> Result<Json<TokenResponse>, ApiError> {
    Ok(Json(app.service.update_token(&actor, &ids.token, &request, now()).await?))
}

/// Ends a token of the caller's account for good. Every token may end itself.
#[utoipa::path(
    delete, path = "/tokens/{token}", operation_id = "revoke_token", tag = "tokens", params(TokenIds),
    responses((status = 204), Failure),
    extensions(("x-permission" = json!("scope:admin")),
        ("x-problems" = json!({"403": ["token_limited"]})))
)]
async fn revoke(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<TokenIds>,
) -> Result<StatusCode, ApiError> {
    app.service.revoke_token(&actor, &ids.token, now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The tokens limited to the organization or a project of it, whosever they are, oldest first.
#[utoipa::path(
    get, path = "/organizations/{organization}/tokens", operation_id = "list_organization_tokens", tag = "tokens",
    params(OrganizationIds, ListQuery), responses((status = 200, body = ListResponse<TokenResponse>), Failure),
    extensions(("x-permission" = json!("manage_members")))
)]
async fn list_of_organization(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<OrganizationIds>,
    Query(query): Query<ListQuery>,
) -> Result<Json<ListResponse<TokenResponse>>, ApiError> {
    Ok(Json(app.service.list_organization_tokens(&actor, &ids.organization, &query).await?))
}

/// Ends a token limited to the organization or a project of it, whosever it is.
#[utoipa::path(
    delete, path = "/organizations/{organization}/tokens/{token}", operation_id = "revoke_organization_token",
    tag = "tokens", params(OrganizationTokenIds), responses((status = 204), Failure),
    extensions(("x-permission" = json!("manage_members")))
)]
async fn revoke_of_organization(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<OrganizationTokenIds>,
) -> Result<StatusCode, ApiError> {
    app.service.revoke_organization_token(&actor, &ids.organization, &ids.token, now()).await?;
    Ok(StatusCode::NO_CONTENT)
}
