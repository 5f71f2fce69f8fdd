//! Places of an organization that are told of alerts.

use askama::Template;
use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::{get, post},
};
use pintle_api::{
    CreateWebhookRequest, ListQuery, NotificationKind, WebhookFormat, WebhookMessageResponse, WebhookResponse,
    WebhookTestResponse,
};
use serde::Deserialize;

use super::{
    failure::PageError,
    form::{Fields, Form, Submitted},
    frame::{Frame, go_on, render},
    place::{InOrganization, Query},
};
use crate::{app::App, clock::now};

pub(super) fn router() -> Router<App> {
    let webhook = "/orgs/{organization}/webhooks/{webhook}";
    Router::new()
        .route("/orgs/{organization}/webhooks", get(list).post(create))
        .route(webhook, get(list_messages))
        .route(&format!("{webhook}/test"), post(test))
        .route(&format!("{webhook}/secret"), post(rotate_secret))
        .route(&format!("{webhook}/remove"), post(remove))
        .route(&format!("{webhook}/messages/{{message}}/replay"), post(replay))
}

const FORMATS: [(&str, &str); 2] =
    [("standard", "JSON, signed (Standard Webhooks)"), ("slack", "Slack, Mattermost, Rocket.Chat, Discord")];

#[derive(Template)]
#[template(path = "webhooks.html")]
struct WebhooksPage {
    frame: Frame,
    place: InOrganization,
    webhooks: Vec<WebhookResponse>,
    kinds: Vec<NotificationKind>,
    form: Form,
    news: Option<News>,
}

#[derive(Template)]
#[template(path = "webhook.html")]
struct MessagesPage {
    frame: Frame,
    place: InOrganization,
    webhook: WebhookResponse,
    messages: Vec<WebhookMessageResponse>,
    next_cursor: Option<String>,
    form: Form,
}

/// What the page tells of what was done just now.
enum News {
    /// Shown this once.
    Secret(String),
    Tested(WebhookTestResponse),
}

#[derive(Deserialize)]
struct WebhookId {
    webhook: String,
}

#[derive(Deserialize)]
struct MessageId {
    webhook: String,
    message: String,
}

async fn list(State(app): State<App>, place: InOrganization) -> Result<Response, PageError> {
    show(&app, place, Form::default(), None).await
}

async fn show(app: &App, place: InOrganization, form: Form, news: Option<News>) -> Result<Response, PageError> {
    let (actor, organization) = (&place.actor, &place.organization.id);
    let webhooks = app.service.list_webhooks(actor, organization, &ListQuery::default(), now()).await?.items;
    let kinds = app.service.read_notifications(actor, organization).await?.kinds;
    let (frame, place) = (place.frame.clone(), place.at("alerts"));
    Ok(render(&WebhooksPage { frame, place, webhooks, kinds, form, news }))
}

async fn create(
    State(app): State<App>,
    place: InOrganization,
    Submitted { fields, .. }: Submitted,
) -> Result<Response, PageError> {
    let request = CreateWebhookRequest {
        url: fields.secret("url"),
        format: if fields.text("format") == "slack" { WebhookFormat::Slack } else { WebhookFormat::Standard },
        kinds: fields.all("kinds").map(str::to_owned).collect(),
    };
    match app.service.create_webhook(&place.actor, &place.organization.id, &request, now()).await {
        Ok(made) => {
            let secret = made.secret.expose_secret().to_owned();
            show(&app, place, Form::default(), Some(News::Secret(secret))).await
        }
        Err(error) => show(&app, place, Form::refused(fields, error)?, None).await,
    }
}

async fn test(
    State(app): State<App>,
    place: InOrganization,
    Path(WebhookId { webhook }): Path<WebhookId>,
    Submitted { .. }: Submitted,
) -> Result<Response, PageError> {
    match app.service.test_webhook(&place.actor, &place.organization.id, &webhook, now()).await {
        Ok(tested) => show(&app, place, Form::default(), Some(News::Tested(tested))).await,
        Err(error) => show(&app, place, Form::refused(Fields::default(), error)?, None).await,
    }
}

async fn rotate_secret(
    State(app): State<App>,
    place: InOrganization,
    Path(WebhookId { webhook }): Path<WebhookId>,
    Submitted { .. }: Submitted,
) -> Result<Response, PageError> {
    let rotated = app.service.rotate_webhook_secret(&place.actor, &place.organization.id, &webhook, now()).await?;
    let secret = rotated.secret.expose_secret().to_owned();
    show(&app, place, Form::default(), Some(News::Secret(secret))).await
}

async fn remove(
    State(app): State<App>,
    place: InOrganization,
    Path(WebhookId { webhook }): Path<WebhookId>,
    Submitted { .. }: Submitted,
) -> Result<Response, PageError> {
    app.service.remove_webhook(&place.actor, &place.organization.id, &webhook, now()).await?;
    Ok(go_on(&format!("{}/webhooks", place.path()), "webhook-removed"))
}

async fn list_messages(
    State(app): State<App>,
    place: InOrganization,
    Path(WebhookId { webhook }): Path<WebhookId>,
    Query(query): Query<ListQuery>,
) -> Result<Response, PageError> {
    show_messages(&app, place, &webhook, &query, Form::default()).await
}

async fn show_messages(
    app: &App,
    place: InOrganization,
    id: &str,
    query: &ListQuery,
    form: Form,
) -> Result<Response, PageError> {
    let (actor, organization) = (&place.actor, &place.organization.id);
    let messages = app.service.list_webhook_messages(actor, organization, id, query).await?;
    let all = app.service.list_webhooks(actor, organization, &ListQuery::default(), now()).await?.items;
    let webhook = all.into_iter().find(|webhook| webhook.id == id).ok_or(PageError::NOT_FOUND)?;
    let (frame, place) = (place.frame.clone(), place.at("alerts"));
    let (messages, next_cursor) = (messages.items, messages.next_cursor);
    Ok(render(&MessagesPage { frame, place, webhook, messages, next_cursor, form }))
}

async fn replay(
    State(app): State<App>,
    place: InOrganization,
    Path(MessageId { webhook, message }): Path<MessageId>,
    Submitted { .. }: Submitted,
) -> Result<Response, PageError> {
    let organization = &place.organization.id;
    match app.service.replay_webhook_message(&place.actor, organization, &webhook, &message, now()).await {
        Ok(_) => Ok(go_on(&format!("{}/webhooks/{webhook}", place.path()), "message-replayed")),
        Err(error) => {
            let form = Form::refused(Fields::default(), error)?;
            show_messages(&app, place, &webhook, &ListQuery::default(), form).await
        }
    }
}
