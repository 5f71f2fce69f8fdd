use axum::{Json, extract::State};
use pintle_api::{AuditChainResponse, AuditEventResponse, AuditQuery, ListResponse};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiError, Failure,
    extract::{Caller, Ids, OrganizationIds, Query},
};
use crate::app::App;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(read_chain))
}

/// The events of an organization's audit log that fit a search, newest first unless asked for otherwise.
#[utoipa::path(
    get, path = "/organizations/{organization}/audit/events", operation_id = "list_audit_events", tag = "audit",
    params(OrganizationIds, AuditQuery), responses((status = 200, body = ListResponse<AuditEventResponse>), Failure),
    extensions(("x-permission" = json!("read_audit")))
)]
async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<OrganizationIds>,
    Query(query): Query<AuditQuery>,
) -> Result<Json<ListResponse<AuditEventResponse>>, ApiError> {
    Ok(Json(app.service.list_audit_events(&actor, &ids.organization, &query).await?))
}

/// Where an organization's audit log begins and ends: what its verification needs besides the events.
#[utoipa::path(
    get, path = "/organizations/{organization}/audit/chain", operation_id = "read_audit_chain", tag = "audit",
    params(OrganizationIds), responses((status = 200, body = AuditChainResponse), Failure),
    extensions(("x-permission" = json!("read_audit")))
)]
async fn read_chain(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<OrganizationIds>,
) -> Result<Json<AuditChainResponse>, ApiError> {
    Ok(Json(app.service.read_audit_chain(&actor, &ids.organization).await?))
}
