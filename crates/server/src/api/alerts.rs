use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use pintle_api::{
    AlertQuery, AlertResponse, CreatedCalendarResponse, ListResponse, NotificationsResponse, StatusQuery,
    StatusResponse, UpdateNotificationsRequest,
};
use pintle_service::ServiceError;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiError, Failure,
    extract::{AlertIds, Body, CalendarIds, Caller, Ids, OrganizationIds, Query},
};
use crate::{app::App, clock::now};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(read))
        .routes(routes!(read_status))
        .routes(routes!(read_notifications, update_notifications))
        .routes(routes!(create_calendar, remove_calendar))
        .routes(routes!(read_calendar))
}

/// The alerts of the organization that the caller may see, the newest first.
#[utoipa::path(
    get, path = "/organizations/{organization}/alerts", operation_id = "list_alerts", tag = "alerts",
    params(OrganizationIds, AlertQuery), responses((status = 200, body = ListResponse<AlertResponse>), Failure),
    extensions(("x-permission" = json!("read")), ("x-problems" = json!({"422": ["value_invalid"]})))
)]
async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<OrganizationIds>,
    Query(query): Query<AlertQuery>,
) -> Result<Json<ListResponse<AlertResponse>>, ApiError> {
    Ok(Json(app.service.list_alerts(&actor, &ids.organization, &query).await?))
}

/// One alert.
#[utoipa::path(
    get, path = "/organizations/{organization}/alerts/{alert}", operation_id = "read_alert", tag = "alerts",
    params(AlertIds), responses((status = 200, body = AlertResponse), Failure),
    extensions(("x-permission" = json!("read")))
)]
async fn read(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<AlertIds>,
) -> Result<Json<AlertResponse>, ApiError> {
    Ok(Json(app.service.read_alert(&actor, &ids.organization, &ids.alert).await?))
}

/// What is open in the organization, and what is due.
#[utoipa::path(
    get, path = "/organizations/{organization}/status", operation_id = "read_status", tag = "alerts",
    params(OrganizationIds, StatusQuery), responses((status = 200, body = StatusResponse), Failure),
    extensions(("x-permission" = json!("read")), ("x-problems" = json!({"422": ["value_invalid"]})))
)]
async fn read_status(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<OrganizationIds>,
    Query(query): Query<StatusQuery>,
) -> Result<Json<StatusResponse>, ApiError> {
    Ok(Json(app.service.read_status(&actor, &ids.organization, query.days, now()).await?))
}

/// What the caller is told of in the organization, and how.
#[utoipa::path(
    get, path = "/organizations/{organization}/notifications", operation_id = "read_notifications",
    tag = "alerts", params(OrganizationIds), responses((status = 200, body = NotificationsResponse), Failure),
    extensions(("x-permission" = json!("read")))
)]
async fn read_notifications(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<OrganizationIds>,
) -> Result<Json<NotificationsResponse>, ApiError> {
    Ok(Json(app.service.read_notifications(&actor, &ids.organization).await?))
}

/// Changes what the caller is told of.
#[utoipa::path(
    patch, path = "/organizations/{organization}/notifications", operation_id = "update_notifications",
    tag = "alerts", params(OrganizationIds), request_body = UpdateNotificationsRequest,
    responses((status = 200, body = NotificationsResponse), Failure),
    extensions(("x-permission" = json!("choose_notifications")), ("x-problems" = json!({"422": ["value_invalid"]})))
)]
async fn update_notifications(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<OrganizationIds>,
    Body(request): Body<UpdateNotificationsRequest>,
) -> Result<Json<NotificationsResponse>, ApiError> {
    Ok(Json(app.service.update_notifications(&actor, &ids.organization, &request, now()).await?))
}

/// Gives the caller a calendar of what ends, under a secret URL that is shown once. The former one does not work any more.
#[utoipa::path(
    post, path = "/organizations/{organization}/notifications/calendar", operation_id = "create_calendar",
    tag = "alerts", params(OrganizationIds), responses((status = 201, body = CreatedCalendarResponse), Failure),
    extensions(("x-permission" = json!("choose_notifications")))
)]
async fn create_calendar(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<OrganizationIds>,
) -> Result<(StatusCode, Json<CreatedCalendarResponse>), ApiError> {
    let created = app.service.create_calendar(&actor, &ids.organization, now()).await?;
    Ok((StatusCode::CREATED, Json(created)))
}

/// Takes the URL of the caller's calendar back.
#[utoipa::path(
    delete, path = "/organizations/{organization}/notifications/calendar", operation_id = "remove_calendar",
    tag = "alerts", params(OrganizationIds), responses((status = 204, description = "It does not work any more"), Failure),
    extensions(("x-permission" = json!("choose_notifications")))
)]
async fn remove_calendar(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<OrganizationIds>,
) -> Result<StatusCode, ApiError> {
    app.service.remove_calendar(&actor, &ids.organization, now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What ends in an organization, for the calendar program of a member who knows the secret in the path (RFC 5545).
#[utoipa::path(
    get, path = "/calendars/{calendar}", operation_id = "read_calendar", tag = "alerts", security(()),
    params(CalendarIds), responses((status = 200, body = String, content_type = "text/calendar"), Failure),
    extensions(("x-permission" = json!("public")))
)]
async fn read_calendar(State(app): State<App>, Ids(ids): Ids<CalendarIds>) -> Result<Response, ApiError> {
    let calendar = app.service.read_calendar(&ids.calendar, now()).await?;
    let text = calendar.ok_or(ServiceError::NotFound { what: "calendar" })?;
    Ok(([(header::CONTENT_TYPE, "text/calendar; charset=utf-8")], text).into_response())
}
