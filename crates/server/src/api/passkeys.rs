use axum::{Json, extract::State, http::StatusCode};
use pintle_api::{
    AddPasskeyRequest, PasskeyResponse, PasskeySignInRequest, PasskeyStep, PasskeysResponse, RenamePasskeyRequest,
    SignedIn,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiError, Failure,
    extract::{Body, Caller, Ids, MaybeCaller, PasskeyIds, Visitor},
};
use crate::{app::App, clock::now};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(begin_passkey_sign_in))
        .routes(routes!(finish_passkey_sign_in))
        .routes(routes!(list_passkeys, finish_passkey))
        .routes(routes!(begin_passkey))
        .routes(routes!(rename_passkey, remove_passkey))
}

/// Begins to sign in with a passkey: what to ask the browser for, and what proves that it was you who began.
#[utoipa::path(
    post, path = "/sessions/passkey/begin", operation_id = "begin_passkey_sign_in", tag = "sessions", security(()),
    responses((status = 200, body = PasskeyStep), Failure),
    extensions(("x-permission" = json!("public")),
        ("x-problems" = json!({"403": ["sso_required"], "409": ["passkeys_unavailable"]})))
)]
async fn begin_passkey_sign_in(State(app): State<App>) -> Result<Json<PasskeyStep>, ApiError> {
    Ok(Json(app.service.begin_passkey_sign_in(now())?))
}

/// Signs in with what an authenticator signed. A session of the same account that the request carries ends with that.
#[utoipa::path(
    post, path = "/sessions/passkey", operation_id = "finish_passkey_sign_in", tag = "sessions", security(()),
    request_body = PasskeySignInRequest, responses((status = 201, body = SignedIn), Failure),
    extensions(("x-permission" = json!("public")),
        ("x-problems" = json!({"401": ["passkey_refused"], "403": ["sso_required"], "409": ["passkeys_unavailable"],
            "422": ["passkey_attempt_invalid"]})))
)]
async fn finish_passkey_sign_in(
    State(app): State<App>,
    Visitor(context): Visitor,
    MaybeCaller(former): MaybeCaller,
    Body(request): Body<PasskeySignInRequest>,
) -> Result<(StatusCode, Json<SignedIn>), ApiError> {
    let answer = app.service.finish_passkey_sign_in(&request, former.as_ref(), &context, now()).await?;
    Ok((StatusCode::CREATED, Json(answer)))
}

/// The passkeys that sign in to the caller's account.
#[utoipa::path(
    get, path = "/account/passkeys", operation_id = "list_passkeys", tag = "accounts",
    responses((status = 200, body = PasskeysResponse), Failure), extensions(("x-permission" = json!("scope:read")))
)]
async fn list_passkeys(State(app): State<App>, Caller(actor): Caller) -> Result<Json<PasskeysResponse>, ApiError> {
    Ok(Json(app.service.list_passkeys(&actor).await?))
}

/// Begins to add a passkey, in this session. It needs a sign-in of the last 10 minutes.
#[utoipa::path(
    post, path = "/account/passkeys/begin", operation_id = "begin_passkey", tag = "accounts",
    responses((status = 200, body = PasskeyStep), Failure),
    extensions(("x-permission" = json!("person")), ("x-problems" = json!({"409": ["passkeys_full", "passkeys_unavailable"]})))
)]
async fn begin_passkey(State(app): State<App>, Caller(actor): Caller) -> Result<Json<PasskeyStep>, ApiError> {
    Ok(Json(app.service.begin_passkey(&actor, now()).await?))
}

/// Adds the passkey that an authenticator made. It needs a sign-in of the last 10 minutes.
#[utoipa::path(
    post, path = "/account/passkeys", operation_id = "finish_passkey", tag = "accounts",
    request_body = AddPasskeyRequest, responses((status = 201, body = PasskeyResponse), Failure),
    extensions(("x-permission" = json!("person")),
        ("x-problems" = json!({"401": ["passkey_refused"], "409": ["passkey_taken", "passkeys_full", "passkeys_unavailable"],
            "422": ["passkey_attempt_invalid"]})))
)]
async fn finish_passkey(
    State(app): State<App>,
    Caller(actor): Caller,
    Body(request): Body<AddPasskeyRequest>,
) -> Result<(StatusCode, Json<PasskeyResponse>), ApiError> {
    Ok((StatusCode::CREATED, Json(app.service.finish_passkey(&actor, &request, now()).await?)))
}

/// Gives a passkey another name. It needs a sign-in of the last 10 minutes.
#[utoipa::path(
    patch, path = "/account/passkeys/{passkey}", operation_id = "rename_passkey", tag = "accounts", params(PasskeyIds),
    request_body = RenamePasskeyRequest, responses((status = 200, body = PasskeyResponse), Failure),
    extensions(("x-permission" = json!("person")))
)]
async fn rename_passkey(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<PasskeyIds>,
    Body(request): Body<RenamePasskeyRequest>,
) -> Result<Json<PasskeyResponse>, ApiError> {
    Ok(Json(app.service.rename_passkey(&actor, &ids.passkey, &request, now()).await?))
}

/// Removes a passkey; the last way to sign in stays. It needs a sign-in of the last 10 minutes.
#[utoipa::path(
    delete, path = "/account/passkeys/{passkey}", operation_id = "remove_passkey", tag = "accounts", params(PasskeyIds),
    responses((status = 204), Failure),
    extensions(("x-permission" = json!("person")), ("x-problems" = json!({"409": ["last_way_in"]})))
)]
async fn remove_passkey(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<PasskeyIds>,
) -> Result<StatusCode, ApiError> {
    app.service.remove_passkey(&actor, &ids.passkey, now()).await?;
    Ok(StatusCode::NO_CONTENT)
}
