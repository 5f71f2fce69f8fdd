use axum::{Json, extract::State, http::StatusCode};
use pintle_api::{AcceptStatementRequest, ListQuery, ListResponse, StatementResponse};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiError, Failure,
    extract::{Body, Caller, Ids, ProjectIds, Query},
};
use crate::{app::App, clock::now};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(accept, list))
}

/// Accepts a succession statement: from then on the key it names signs releases. Repeating it answers with what it
/// became.
#[utoipa::path(
    post, path = "/organizations/{organization}/projects/{project}/statements", operation_id = "accept_statement",
    tag = "succession", params(ProjectIds), request_body = AcceptStatementRequest,
    responses((status = 201, body = StatementResponse), Failure),
    extensions(("x-permission" = json!("manage_keys")),
        ("x-problems" = json!({"409": ["key_missing", "key_not_in_use", "statement_out_of_turn", "succession_full"], "422": ["key_reused", "core"]})))
)]
async fn accept(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<ProjectIds>,
    Body(request): Body<AcceptStatementRequest>,
) -> Result<(StatusCode, Json<StatementResponse>), ApiError> {
    let statement = app.service.accept_statement(&actor, ids.project(), &request, now()).await?;
    Ok((StatusCode::CREATED, Json(statement)))
}

/// Every succession statement of the project, by `seq`.
#[utoipa::path(
    get, path = "/organizations/{organization}/projects/{project}/statements", operation_id = "list_statements",
    tag = "succession", params(ProjectIds, ListQuery), responses((status = 200, body = ListResponse<StatementResponse>), Failure),
    extensions(("x-permission" = json!("read")),
        ("x-problems" = json!({"409": ["key_missing"]})))
)]
async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<ProjectIds>,
    Query(query): Query<ListQuery>,
) -> Result<Json<ListResponse<StatementResponse>>, ApiError> {
    Ok(Json(app.service.list_statements(&actor, ids.project(), &query).await?))
}
