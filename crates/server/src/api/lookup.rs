use axum::{Json, extract::State, http::Extensions};
use pintle_api::{LookupQuery, LookupResponse};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{ApiError, Failure, extract::Query};
use crate::app::App;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(look_up))
}

/// The certificates that a host on the public internet presents, and their pins. Nothing of it is verified. The server connects
/// to public addresses only, unless its operator allows others, and sends no data.
#[utoipa::path(
    get, path = "/lookup", operation_id = "look_up", tag = "tools", security(()),
    params(LookupQuery), responses((status = 200, body = LookupResponse), Failure),
    extensions(("x-permission" = json!("public")),
        ("x-problems" = json!({"403": ["lookup_off"], "422": ["host_invalid", "host_unseen"], "429": ["lookup_busy"]})))
)]
async fn look_up(
    State(app): State<App>,
    extensions: Extensions,
    Query(query): Query<LookupQuery>,
) -> Result<Json<LookupResponse>, ApiError> {
    app.limits.check_lookup(&extensions)?;
    Ok(Json(app.service.look_up(&query).await?))
}
