use axum::{Json, extract::State, http::StatusCode};
use pintle_api::{
    BeginSsoRequest, FinishSsoRequest, IdentitiesResponse, IdentityResponse, SignInResponse, SsoProvidersResponse,
    SsoStep,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiError, Failure,
    extract::{Body, Caller, IdentityIds, Ids, MaybeCaller, Visitor},
};
use crate::{app::App, clock::now};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_sso_providers))
        .routes(routes!(begin_sso))
        .routes(routes!(finish_sso))
        .routes(routes!(list_identities, finish_link))
        .routes(routes!(begin_link))
        .routes(routes!(unlink_identity))
}

/// The providers of single sign-on that the server trusts.
#[utoipa::path(
    get, path = "/sso", operation_id = "list_sso_providers", tag = "sessions", security(()),
    responses((status = 200, body = SsoProvidersResponse), Failure), extensions(("x-permission" = json!("public")))
)]
async fn list_sso_providers(State(app): State<App>) -> Json<SsoProvidersResponse> {
    Json(app.service.list_sso_providers())
}

/// Begins to sign in at a provider: what to open in a browser, and what proves that it was you who began.
#[utoipa::path(
    post, path = "/sso/begin", operation_id = "begin_sso", tag = "sessions", security(()),
    request_body = BeginSsoRequest, responses((status = 200, body = SsoStep), Failure),
    extensions(("x-permission" = json!("public")),
        ("x-problems" = json!({"404": ["sso_provider_unknown"], "422": ["sso_redirect_invalid"],
            "502": ["sso_provider_unavailable"]})))
)]
async fn begin_sso(State(app): State<App>, Body(request): Body<BeginSsoRequest>) -> Result<Json<SsoStep>, ApiError> {
    Ok(Json(app.service.begin_sso(&request, now()).await?))
}

/// Signs in with the provider's answer. A session of the same account that the request carries ends with that.
#[utoipa::path(
    post, path = "/sso/finish", operation_id = "finish_sso", tag = "sessions", security(()),
    request_body = FinishSsoRequest, responses((status = 201, body = SignInResponse), Failure),
    extensions(("x-permission" = json!("public")),
        ("x-problems" = json!({"401": ["sso_refused"],
            "403": ["sign_up_closed", "sso_address_unverified", "sso_domain_not_allowed"],
            "404": ["sso_provider_unknown"], "409": ["sso_account_exists"], "422": ["address_invalid", "sso_attempt_invalid"],
            "502": ["sso_provider_unavailable"]})))
)]
async fn finish_sso(
    State(app): State<App>,
    Visitor(context): Visitor,
    MaybeCaller(former): MaybeCaller,
    Body(request): Body<FinishSsoRequest>,
) -> Result<(StatusCode, Json<SignInResponse>), ApiError> {
    let answer = app.service.finish_sso(&request, former.as_ref(), &context, now()).await?;
    Ok((StatusCode::CREATED, Json(answer)))
}

/// The identities of single sign-on that sign in to the caller's account.
#[utoipa::path(
    get, path = "/account/identities", operation_id = "list_identities", tag = "accounts",
    responses((status = 200, body = IdentitiesResponse), Failure), extensions(("x-permission" = json!("scope:read")))
)]
async fn list_identities(State(app): State<App>, Caller(actor): Caller) -> Result<Json<IdentitiesResponse>, ApiError> {
    Ok(Json(app.service.list_identities(&actor).await?))
}

/// Begins to link an identity with the caller's account. It needs a sign-in of the last 10 minutes.
#[utoipa::path(
    post, path = "/account/identities/begin", operation_id = "begin_link", tag = "accounts",
    request_body = BeginSsoRequest, responses((status = 200, body = SsoStep), Failure),
    extensions(("x-permission" = json!("person")),
        ("x-problems" = json!({"404": ["sso_provider_unknown"], "422": ["sso_redirect_invalid"],
            "502": ["sso_provider_unavailable"]})))
)]
async fn begin_link(
    State(app): State<App>,
    Caller(actor): Caller,
    Body(request): Body<BeginSsoRequest>,
) -> Result<Json<SsoStep>, ApiError> {
    Ok(Json(app.service.begin_link(&actor, &request, now()).await?))
}

/// Links whom the provider vouches for with the caller's account. It needs a sign-in of the last 10 minutes.
#[utoipa::path(
    post, path = "/account/identities", operation_id = "finish_link", tag = "accounts",
    request_body = FinishSsoRequest, responses((status = 201, body = IdentityResponse), Failure),
    extensions(("x-permission" = json!("person")),
        ("x-problems" = json!({"401": ["sso_refused"], "403": ["sso_address_unverified", "sso_domain_not_allowed"],
            "404": ["sso_provider_unknown"], "409": ["sso_identity_taken"], "422": ["sso_attempt_invalid"],
            "502": ["sso_provider_unavailable"]})))
)]
async fn finish_link(
    State(app): State<App>,
    Caller(actor): Caller,
    Body(request): Body<FinishSsoRequest>,
) -> Result<(StatusCode, Json<IdentityResponse>), ApiError> {
    Ok((StatusCode::CREATED, Json(app.service.finish_link(&actor, &request, now()).await?)))
}

/// Unlinks an identity from the caller's account, unless it is the last way to sign in. It needs a sign-in of the last 10
/// minutes.
#[utoipa::path(
    delete, path = "/account/identities/{identity}", operation_id = "unlink_identity", tag = "accounts",
    params(IdentityIds), responses((status = 204), Failure),
    extensions(("x-permission" = json!("person")),
        ("x-problems" = json!({"404": ["not_found"], "409": ["last_way_in"]})))
)]
async fn unlink_identity(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<IdentityIds>,
) -> Result<StatusCode, ApiError> {
    app.service.unlink_identity(&actor, &ids.identity, now()).await?;
    Ok(StatusCode::NO_CONTENT)
}
