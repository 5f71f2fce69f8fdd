use axum::{Json, extract::State, http::StatusCode};
use pintle_api::{
    CreateWebhookRequest, CreatedWebhookResponse, ListQuery, ListResponse, RotatedSecretResponse,
    WebhookMessageResponse, WebhookResponse, WebhookTestResponse,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiError, Failure,
    extract::{Body, Caller, Ids, MessageIds, OrganizationIds, Query, WebhookIds},
};
use crate::{app::App, clock::now};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(remove))
        .routes(routes!(rotate_secret))
        .routes(routes!(test))
        .routes(routes!(list_messages))
        .routes(routes!(replay))
}

/// Adds a webhook; its secret is shown once.
#[utoipa::path(
    post, path = "/organizations/{organization}/webhooks", operation_id = "create_webhook", tag = "webhooks",
    params(OrganizationIds), request_body = CreateWebhookRequest,
    responses((status = 201, body = CreatedWebhookResponse), Failure),
    extensions(("x-permission" = json!("manage_webhooks")),
        ("x-problems" = json!({"409": ["webhooks_too_many"], "422": ["webhook_url_invalid", "value_invalid"]})))
)]
async fn create(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<OrganizationIds>,
    Body(request): Body<CreateWebhookRequest>,
) -> Result<(StatusCode, Json<CreatedWebhookResponse>), ApiError> {
    let created = app.service.create_webhook(&actor, &ids.organization, &request, now()).await?;
    Ok((StatusCode::CREATED, Json(created)))
}

/// The webhooks of the organization, oldest first.
#[utoipa::path(
    get, path = "/organizations/{organization}/webhooks", operation_id = "list_webhooks", tag = "webhooks",
    params(OrganizationIds, ListQuery), responses((status = 200, body = ListResponse<WebhookResponse>), Failure),
    extensions(("x-permission" = json!("manage_webhooks")))
)]
async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<OrganizationIds>,
    Query(query): Query<ListQuery>,
) -> Result<Json<ListResponse<WebhookResponse>>, ApiError> {
    Ok(Json(app.service.list_webhooks(&actor, &ids.organization, &query, now()).await?))
}

/// Removes a webhook, with its messages.
#[utoipa::path(
    delete, path = "/organizations/{organization}/webhooks/{webhook}", operation_id = "remove_webhook",
    tag = "webhooks", params(WebhookIds), responses((status = 204, description = "Removed"), Failure),
    extensions(("x-permission" = json!("manage_webhooks")))
)]
async fn remove(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<WebhookIds>,
) -> Result<StatusCode, ApiError> {
    app.service.remove_webhook(&actor, &ids.organization, &ids.webhook, now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives a webhook another secret, which is shown once. For a day messages are signed with the former one, too.
#[utoipa::path(
    post, path = "/organizations/{organization}/webhooks/{webhook}/secret", operation_id = "rotate_webhook_secret",
    tag = "webhooks", params(WebhookIds), responses((status = 200, body = RotatedSecretResponse), Failure),
    extensions(("x-permission" = json!("manage_webhooks")))
)]
async fn rotate_secret(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<WebhookIds>,
) -> Result<Json<RotatedSecretResponse>, ApiError> {
    Ok(Json(app.service.rotate_webhook_secret(&actor, &ids.organization, &ids.webhook, now()).await?))
}

/// Sends a webhook a message that means nothing, at once. If it is taken, a disabled webhook is used again.
#[utoipa::path(
    post, path = "/organizations/{organization}/webhooks/{webhook}/test", operation_id = "test_webhook",
    tag = "webhooks", params(WebhookIds), responses((status = 200, body = WebhookTestResponse), Failure),
    extensions(("x-permission" = json!("manage_webhooks")), ("x-problems" = json!({"403": ["webhooks_off"]})))
)]
async fn test(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<WebhookIds>,
) -> Result<Json<WebhookTestResponse>, ApiError> {
    Ok(Json(app.service.test_webhook(&actor, &ids.organization, &ids.webhook, now()).await?))
}

/// The messages of a webhook of the last 30 days, the newest first.
#[utoipa::path(
    get, path = "/organizations/{organization}/webhooks/{webhook}/messages", operation_id = "list_webhook_messages",
    tag = "webhooks", params(WebhookIds, ListQuery),
    responses((status = 200, body = ListResponse<WebhookMessageResponse>), Failure),
    extensions(("x-permission" = json!("manage_webhooks")))
)]
async fn list_messages(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<WebhookIds>,
    Query(query): Query<ListQuery>,
) -> Result<Json<ListResponse<WebhookMessageResponse>>, ApiError> {
    Ok(Json(app.service.list_webhook_messages(&actor, &ids.organization, &ids.webhook, &query).await?))
}

/// Sends a message again, with the id and the body it had.
#[utoipa::path(
    post, path = "/organizations/{organization}/webhooks/{webhook}/messages/{message}/replay",
    operation_id = "replay_webhook_message", tag = "webhooks", params(MessageIds),
    responses((status = 200, body = WebhookMessageResponse), Failure),
    extensions(("x-permission" = json!("manage_webhooks")), ("x-problems" = json!({"409": ["webhook_disabled"]})))
)]
async fn replay(
    State(app): State<App>,
    Caller(actor): Caller,
    Ids(ids): Ids<MessageIds>,
) -> Result<Json<WebhookMessageResponse>, ApiError> {
    let (webhook, message) = (&ids.webhook, &ids.message);
    Ok(Json(app.service.replay_webhook_message(&actor, &ids.organization, webhook, message, now()).await?))
}
