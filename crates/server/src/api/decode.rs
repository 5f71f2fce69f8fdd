use axum::{Json, extract::State, http::Extensions};
use pintle_api::{DecodeRequest, DecodeResponse};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{ApiError, Failure, extract::Body};
use crate::{app::App, clock::now};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(decode_config))
}

/// What a signed configuration says, and, given a bundle, whether an app with it would take it up. Nothing of the request is kept.
#[utoipa::path(
    post, path = "/decode", operation_id = "decode_config", tag = "tools", security(()),
    request_body = DecodeRequest, responses((status = 200, body = DecodeResponse), Failure),
    extensions(("x-permission" = json!("public")),
        ("x-problems" = json!({"403": ["decode_off"], "422": ["bundle_invalid", "core"]})))
)]
async fn decode_config(
    State(app): State<App>,
    extensions: Extensions,
    Body(request): Body<DecodeRequest>,
) -> Result<Json<DecodeResponse>, ApiError> {
    app.limits.check_decode(&extensions)?;
    Ok(Json(app.service.decode_config(&request, now())?))
}
