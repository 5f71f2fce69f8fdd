use axum::{Json, extract::State, http::StatusCode};
use pintle_api::{KeyCiphertextResponse, StoreKeyRequest};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiError, Failure,
    extract::{Body, Caller, Ids, ProjectIds},
};
use crate::{app::App, clock::now};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(store, fetch, discard))
}

/// Keeps the project's signing key as ciphertext, in place of the one kept before. A key that is not encrypted is refused.
#[utoipa::path(
    put, path = "/organizations/{organization}/projects/{project}/key/ciphertext", operation_id = "store_key",
    tag = "projects", params(ProjectIds), request_body = StoreKeyRequest,
    responses((status = 200, body = KeyCiphertextResponse), Failure),
    extensions(("x-permission" = json!("manage_keys")),
        ("x-problems" = json!({"409": ["key_missing"], "422": ["key_not_encrypted", "key_encryption_weak", "key_ciphertext_invalid", "key_proof_invalid"]})))
)]
async fn store(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<ProjectIds>,
    Body(request): Body<StoreKeyRequest>,
) -> Result<Json<KeyCiphertextResponse>, ApiError> {
    Ok(Json(app.service.store_key(&actor, ids.project(), &request, now()).await?))
}

/// The ciphertext of the project's signing key. The audit log tells that it was fetched.
#[utoipa::path(
    get, path = "/organizations/{organization}/projects/{project}/key/ciphertext", operation_id = "fetch_key",
    tag = "projects", params(ProjectIds), responses((status = 200, body = KeyCiphertextResponse), Failure),
    extensions(("x-permission" = json!("use_key")), ("x-problems" = json!({})))
)]
async fn fetch(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<ProjectIds>,
) -> Result<Json<KeyCiphertextResponse>, ApiError> {
    Ok(Json(app.service.fetch_key(&actor, ids.project(), now()).await?))
}

/// Forgets the ciphertext. The project's key stays what it is.
#[utoipa::path(
    delete, path = "/organizations/{organization}/projects/{project}/key/ciphertext", operation_id = "discard_key",
    tag = "projects", params(ProjectIds), responses((status = 204), Failure),
    extensions(("x-permission" = json!("manage_keys")), ("x-problems" = json!({})))
)]
async fn discard(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<ProjectIds>,
) -> Result<StatusCode, ApiError> {
    app.service.discard_key(&actor, ids.project(), now()).await?;
    Ok(StatusCode::NO_CONTENT)
}
