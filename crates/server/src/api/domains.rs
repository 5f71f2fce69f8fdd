use axum::{Json, extract::State, http::StatusCode};
use pintle_api::{
    AddDomainRequest, AddPinRequest, DomainResponse, ListQuery, ListResponse, PinResponse, RotationResponse,
    StartRotationRequest, UpdateDomainRequest, UpdatePinRequest,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiError, Failure,
    extract::{Body, Caller, DomainIds, ExpectedRevision, Ids, PinIds, ProjectIds, Query},
};
use crate::{app::App, clock::now};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(add, list))
        .routes(routes!(update, remove))
        .routes(routes!(add_pin))
        .routes(routes!(update_pin, remove_pin))
        .routes(routes!(start_rotation, read_rotation, end_rotation))
}

/// Adds a domain to the draft.
#[utoipa::path(
    post, path = "/organizations/{organization}/projects/{project}/domains", operation_id = "add_domain",
    tag = "draft", params(ProjectIds, ("If-Match" = Option<String>, Header, description = "`ETag` of the draft")),
    request_body = AddDomainRequest, responses((status = 201, body = DomainResponse), Failure),
    extensions(("x-permission" = json!("edit_draft")),
        ("x-problems" = json!({"403": ["plan_limit_reached"], "409": ["already_exists"], "422": ["domain_invalid", "public_suffix", "ct_logs_missing", "draft_invalid"]})))
)]
async fn add(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<ProjectIds>,
    ExpectedRevision(revision): ExpectedRevision,
    Body(request): Body<AddDomainRequest>,
) -> Result<(StatusCode, Json<DomainResponse>), ApiError> {
    let domain = app.service.add_domain(&actor, ids.project(), &request, revision, now()).await?;
    Ok((StatusCode::CREATED, Json(domain)))
}

/// The domains of the draft with their pins, by name.
#[utoipa::path(
    get, path = "/organizations/{organization}/projects/{project}/domains", operation_id = "list_domains",
    tag = "draft", params(ProjectIds, ListQuery), responses((status = 200, body = ListResponse<DomainResponse>), Failure),
    extensions(("x-permission" = json!("read")))
)]
async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<ProjectIds>,
    Query(query): Query<ListQuery>,
) -> Result<Json<ListResponse<DomainResponse>>, ApiError> {
    Ok(Json(app.service.list_domains(&actor, ids.project(), &query).await?))
}

/// Changes the settings of a domain in the draft.
#[utoipa::path(
    patch, path = "/organizations/{organization}/projects/{project}/domains/{domain}",
    operation_id = "update_domain", tag = "draft",
    params(DomainIds, ("If-Match" = Option<String>, Header, description = "`ETag` of the draft")),
    request_body = UpdateDomainRequest, responses((status = 200, body = DomainResponse), Failure),
    extensions(("x-permission" = json!("edit_draft")),
        ("x-problems" = json!({"422": ["ct_logs_missing", "draft_invalid"]})))
)]
async fn update(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<DomainIds>,
    ExpectedRevision(revision): ExpectedRevision,
    Body(request): Body<UpdateDomainRequest>,
) -> Result<Json<DomainResponse>, ApiError> {
    Ok(Json(app.service.update_domain(&actor, ids.project(), &ids.domain, &request, revision, now()).await?))
}

/// Removes a domain and its pins from the draft.
#[utoipa::path(
    delete, path = "/organizations/{organization}/projects/{project}/domains/{domain}",
    operation_id = "remove_domain", tag = "draft",
    params(DomainIds, ("If-Match" = Option<String>, Header, description = "`ETag` of the draft")),
    responses((status = 204, description = "Removed"), Failure),
    extensions(("x-permission" = json!("edit_draft")))
)]
async fn remove(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<DomainIds>,
    ExpectedRevision(revision): ExpectedRevision,
) -> Result<StatusCode, ApiError> {
    app.service.remove_domain(&actor, ids.project(), &ids.domain, revision, now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Adds a pin to a domain in the draft.
#[utoipa::path(
    post, path = "/organizations/{organization}/projects/{project}/domains/{domain}/pins",
    operation_id = "add_pin", tag = "draft",
    params(DomainIds, ("If-Match" = Option<String>, Header, description = "`ETag` of the draft")),
    request_body = AddPinRequest, responses((status = 201, body = PinResponse), Failure),
    extensions(("x-permission" = json!("edit_draft")),
        ("x-problems" = json!({"409": ["already_exists"], "422": ["pin_invalid", "draft_invalid"]})))
)]
async fn add_pin(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<DomainIds>,
    ExpectedRevision(revision): ExpectedRevision,
    Body(request): Body<AddPinRequest>,
) -> Result<(StatusCode, Json<PinResponse>), ApiError> {
    let pin = app.service.add_pin(&actor, ids.project(), &ids.domain, &request, revision, now()).await?;
    Ok((StatusCode::CREATED, Json(pin)))
}

/// Changes label or expiry of a pin in the draft.
#[utoipa::path(
    patch, path = "/organizations/{organization}/projects/{project}/domains/{domain}/pins/{pin}",
    operation_id = "update_pin", tag = "draft",
    params(PinIds, ("If-Match" = Option<String>, Header, description = "`ETag` of the draft")),
    request_body = UpdatePinRequest, responses((status = 200, body = PinResponse), Failure),
    extensions(("x-permission" = json!("edit_draft")),
        ("x-problems" = json!({"422": ["draft_invalid"]})))
)]
async fn update_pin(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<PinIds>,
    ExpectedRevision(revision): ExpectedRevision,
    Body(request): Body<UpdatePinRequest>,
) -> Result<Json<PinResponse>, ApiError> {
    let (domain, pin) = (&ids.domain, &ids.pin);
    Ok(Json(app.service.update_pin(&actor, ids.project(), domain, pin, &request, revision, now()).await?))
}

/// Removes a pin from a domain in the draft.
#[utoipa::path(
    delete, path = "/organizations/{organization}/projects/{project}/domains/{domain}/pins/{pin}",
    operation_id = "remove_pin", tag = "draft",
    params(PinIds, ("If-Match" = Option<String>, Header, description = "`ETag` of the draft")),
    responses((status = 204, description = "Removed"), Failure),
    extensions(("x-permission" = json!("edit_draft")))
)]
async fn remove_pin(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<PinIds>,
    ExpectedRevision(revision): ExpectedRevision,
) -> Result<StatusCode, ApiError> {
    app.service.remove_pin(&actor, ids.project(), &ids.domain, &ids.pin, revision, now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Begins the change of the key of a domain's servers, in the place of one that is under way.
#[utoipa::path(
    put, path = "/organizations/{organization}/projects/{project}/domains/{domain}/rotation",
    operation_id = "start_rotation", tag = "draft", params(DomainIds), request_body = StartRotationRequest,
    responses((status = 200, body = RotationResponse), Failure), extensions(("x-permission" = json!("edit_draft")))
)]
async fn start_rotation(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<DomainIds>,
    Body(request): Body<StartRotationRequest>,
) -> Result<Json<RotationResponse>, ApiError> {
    Ok(Json(app.service.start_rotation(&actor, ids.project(), &ids.domain, &request, now()).await?))
}

/// How far the change of a domain's key has come, as far as drafts and releases tell.
#[utoipa::path(
    get, path = "/organizations/{organization}/projects/{project}/domains/{domain}/rotation",
    operation_id = "read_rotation", tag = "draft", params(DomainIds),
    responses((status = 200, body = RotationResponse), Failure), extensions(("x-permission" = json!("read")))
)]
async fn read_rotation(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<DomainIds>,
) -> Result<Json<RotationResponse>, ApiError> {
    Ok(Json(app.service.read_rotation(&actor, ids.project(), &ids.domain).await?))
}

/// Ends the change of a domain's key, wherever it stands. Pins stay as they are.
#[utoipa::path(
    delete, path = "/organizations/{organization}/projects/{project}/domains/{domain}/rotation",
    operation_id = "end_rotation", tag = "draft", params(DomainIds),
    responses((status = 204, description = "Ended"), Failure), extensions(("x-permission" = json!("edit_draft")))
)]
async fn end_rotation(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<DomainIds>,
) -> Result<StatusCode, ApiError> {
    app.service.end_rotation(&actor, ids.project(), &ids.domain, now()).await?;
    Ok(StatusCode::NO_CONTENT)
}
