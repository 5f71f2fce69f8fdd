use axum::{Json, extract::State, http::StatusCode};
use pintle_api::{
    AccountResponse, AddressRequest, ConfirmRequest, ConfirmResponse, DeletionResponse, ListQuery, ListResponse,
    MailedResponse, RecoveryCodesResponse, SecondFactorRequest, SessionResponse, SetPasswordRequest, SignInRequest,
    SignInResponse, SignedIn, TotpCodeRequest, TotpResponse,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiError, Failure,
    extract::{Body, Caller, Ids, MaybeCaller, Query, SessionIds, Visitor},
};
use crate::{app::App, clock::now};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(sign_up))
        .routes(routes!(reset_password))
        .routes(routes!(confirm))
        .routes(routes!(read_account, delete_account))
        .routes(routes!(set_password))
        .routes(routes!(change_address))
        .routes(routes!(sign_in, list_sessions, end_other_sessions))
        .routes(routes!(end_session))
        .routes(routes!(finish_sign_in))
        .routes(routes!(begin_totp, remove_totp))
        .routes(routes!(confirm_totp))
}

/// Has a code sent that makes an account. The answer is the same whether there is one already.
#[utoipa::path(
    post, path = "/account/sign-up", operation_id = "sign_up", tag = "accounts", security(()),
    request_body = AddressRequest, responses((status = 202, body = MailedResponse), Failure),
    extensions(("x-permission" = json!("public")),
        ("x-problems" = json!({"403": ["sign_up_closed", "sso_required"], "422": ["address_invalid"], "429": ["busy"]})))
)]
async fn sign_up(
    State(app): State<App>,
    Visitor(context): Visitor,
    Body(request): Body<AddressRequest>,
) -> Result<(StatusCode, Json<MailedResponse>), ApiError> {
    Ok((StatusCode::ACCEPTED, Json(app.service.request_sign_up(&request, &context, now()).await?)))
}

/// Has a code sent that sets a new password. The answer is the same whether there is such an account.
#[utoipa::path(
    post, path = "/account/reset", operation_id = "reset_password", tag = "accounts", security(()),
    request_body = AddressRequest, responses((status = 202, body = MailedResponse), Failure),
    extensions(("x-permission" = json!("public")),
        ("x-problems" = json!({"403": ["sso_required"], "422": ["address_invalid"], "429": ["busy"]})))
)]
async fn reset_password(
    State(app): State<App>,
    Visitor(context): Visitor,
    Body(request): Body<AddressRequest>,
) -> Result<(StatusCode, Json<MailedResponse>), ApiError> {
    Ok((StatusCode::ACCEPTED, Json(app.service.request_reset(&request, &context, now()).await?)))
}

/// Does what a code is for: makes an account, sets a password, or makes an address count.
#[utoipa::path(
    post, path = "/account/confirm", operation_id = "confirm", tag = "accounts", security(()),
    request_body = ConfirmRequest, responses((status = 200, body = ConfirmResponse), Failure),
    extensions(("x-permission" = json!("public")),
        ("x-problems" = json!({"409": ["address_taken"], "422": ["code_invalid", "password_missing", "password_unfit"], "429": ["busy"]})))
)]
async fn confirm(
    State(app): State<App>,
    Visitor(context): Visitor,
    Body(request): Body<ConfirmRequest>,
) -> Result<Json<ConfirmResponse>, ApiError> {
    Ok(Json(app.service.confirm(&request, &context, now()).await?))
}

/// The caller's own account.
#[utoipa::path(
    get, path = "/account", operation_id = "read_account", tag = "accounts",
    responses((status = 200, body = AccountResponse), Failure),
    extensions(("x-permission" = json!("scope:read")))
)]
async fn read_account(State(app): State<App>, Caller(actor): Caller) -> Result<Json<AccountResponse>, ApiError> {
    Ok(Json(app.service.read_account(&actor).await?))
}

/// Deletes the caller's account. It needs a sign-in of the last 10 minutes; organizations stay, each with an owner.
#[utoipa::path(
    delete, path = "/account", operation_id = "delete_account", tag = "accounts",
    responses((status = 202, body = DeletionResponse), Failure),
    extensions(("x-permission" = json!("person")), ("x-problems" = json!({"409": ["last_owner"]})))
)]
async fn delete_account(
    State(app): State<App>,
    Caller(actor): Caller,
) -> Result<(StatusCode, Json<DeletionResponse>), ApiError> {
    Ok((StatusCode::ACCEPTED, Json(app.service.delete_account(&actor, now()).await?)))
}

/// Sets the caller's password. It needs a sign-in of the last 10 minutes; every other session ends.
#[utoipa::path(
    put, path = "/account/password", operation_id = "set_password", tag = "accounts",
    request_body = SetPasswordRequest, responses((status = 204), Failure),
    extensions(("x-permission" = json!("person")),
        ("x-problems" = json!({"422": ["password_unfit"], "429": ["busy"]})))
)]
async fn set_password(
    State(app): State<App>,
    Caller(actor): Caller,
    Body(request): Body<SetPasswordRequest>,
) -> Result<StatusCode, ApiError> {
    app.service.set_password(&actor, &request, now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Has a code sent to a new address of the caller. It needs a sign-in of the last 10 minutes.
#[utoipa::path(
    put, path = "/account/address", operation_id = "change_address", tag = "accounts",
    request_body = AddressRequest, responses((status = 202, body = MailedResponse), Failure),
    extensions(("x-permission" = json!("person")),
        ("x-problems" = json!({"422": ["address_invalid"], "429": ["busy"]})))
)]
async fn change_address(
    State(app): State<App>,
    Caller(actor): Caller,
    Body(request): Body<AddressRequest>,
) -> Result<(StatusCode, Json<MailedResponse>), ApiError> {
    Ok((StatusCode::ACCEPTED, Json(app.service.change_address(&actor, &request, now()).await?)))
}

/// Signs in with address and password. A session of the same account that the request carries ends with that.
#[utoipa::path(
    post, path = "/sessions", operation_id = "sign_in", tag = "sessions", security(()),
    request_body = SignInRequest, responses((status = 201, body = SignInResponse), Failure),
    extensions(("x-permission" = json!("public")),
        ("x-problems" = json!({"401": ["sign_in_failed"], "403": ["sso_required"], "429": ["busy", "too_many_attempts"]})))
)]
async fn sign_in(
    State(app): State<App>,
    Visitor(context): Visitor,
    MaybeCaller(former): MaybeCaller,
    Body(request): Body<SignInRequest>,
) -> Result<(StatusCode, Json<SignInResponse>), ApiError> {
    let answer = app.service.sign_in(&request, former.as_ref(), &context, now()).await?;
    Ok((StatusCode::CREATED, Json(answer)))
}

/// The caller's sessions, newest first.
#[utoipa::path(
    get, path = "/sessions", operation_id = "list_sessions", tag = "sessions", params(ListQuery),
    responses((status = 200, body = ListResponse<SessionResponse>), Failure),
    extensions(("x-permission" = json!("scope:read")))
)]
async fn list_sessions(
    State(app): State<App>,
    Caller(actor): Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<ListResponse<SessionResponse>>, ApiError> {
    Ok(Json(app.service.list_sessions(&actor, &query, now()).await?))
}

/// Ends every session of the caller but the one that asks, and every code that was mailed.
#[utoipa::path(
    delete, path = "/sessions", operation_id = "end_other_sessions", tag = "sessions",
    responses((status = 204), Failure),
    extensions(("x-permission" = json!("scope:admin")))
)]
async fn end_other_sessions(State(app): State<App>, Caller(actor): Caller) -> Result<StatusCode, ApiError> {
    app.service.end_other_sessions(&actor, now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends a session of the caller; `current` is the one that asks.
#[utoipa::path(
    delete, path = "/sessions/{session}", operation_id = "end_session", tag = "sessions", params(SessionIds),
    responses((status = 204), Failure),
    extensions(("x-permission" = json!("scope:admin")),
        ("x-problems" = json!({"403": ["person_needed"]})))
)]
async fn end_session(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<SessionIds>,
) -> Result<StatusCode, ApiError> {
    app.service.end_session(&actor, &ids.session, now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The second step of signing in, where the first asked for it. A wrong code sends back to the password.
#[utoipa::path(
    post, path = "/sessions/second-factor", operation_id = "finish_sign_in", tag = "sessions", security(()),
    request_body = SecondFactorRequest, responses((status = 201, body = SignedIn), Failure),
    extensions(("x-permission" = json!("public")),
        ("x-problems" = json!({"401": ["second_factor_wrong"], "422": ["code_invalid"], "429": ["too_many_attempts"]})))
)]
async fn finish_sign_in(
    State(app): State<App>,
    Visitor(context): Visitor,
    MaybeCaller(former): MaybeCaller,
    Body(request): Body<SecondFactorRequest>,
) -> Result<(StatusCode, Json<SignedIn>), ApiError> {
    let answer = app.service.finish_sign_in(&request, former.as_ref(), &context, now()).await?;
    Ok((StatusCode::CREATED, Json(answer)))
}

/// Begins to set up an authenticator. It needs a sign-in of the last 10 minutes.
#[utoipa::path(
    post, path = "/account/totp", operation_id = "begin_totp", tag = "accounts",
    responses((status = 201, body = TotpResponse), Failure),
    extensions(("x-permission" = json!("person")), ("x-problems" = json!({"409": ["already_exists"]})))
)]
async fn begin_totp(
    State(app): State<App>,
    Caller(actor): Caller,
) -> Result<(StatusCode, Json<TotpResponse>), ApiError> {
    Ok((StatusCode::CREATED, Json(app.service.begin_totp(&actor, now()).await?)))
}

/// Puts the authenticator in force, with a code of it; answers with recovery codes.
#[utoipa::path(
    post, path = "/account/totp/confirm", operation_id = "confirm_totp", tag = "accounts",
    request_body = TotpCodeRequest, responses((status = 200, body = RecoveryCodesResponse), Failure),
    extensions(("x-permission" = json!("person")),
        ("x-problems" = json!({"401": ["second_factor_wrong"], "404": ["not_found"]})))
)]
async fn confirm_totp(
    State(app): State<App>,
    Caller(actor): Caller,
    Body(request): Body<TotpCodeRequest>,
) -> Result<Json<RecoveryCodesResponse>, ApiError> {
    Ok(Json(app.service.confirm_totp(&actor, &request, now()).await?))
}

/// Removes authenticator and recovery codes. It needs a sign-in of the last 10 minutes.
#[utoipa::path(
    delete, path = "/account/totp", operation_id = "remove_totp", tag = "accounts",
    responses((status = 204), Failure),
    extensions(("x-permission" = json!("person")), ("x-problems" = json!({"404": ["not_found"]})))
)]
async fn remove_totp(State(app): State<App>, Caller(actor): Caller) -> Result<StatusCode, ApiError> {
    app.service.remove_totp(&actor, now()).await?;
    Ok(StatusCode::NO_CONTENT)
}
