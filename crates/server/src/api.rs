//! The JSON API: routes that extract, call one action, and map its answer.

mod accounts;
mod alerts;
mod audit;
mod decode;
mod document;
mod domains;
mod door;
mod drafts;
mod drift;
mod extract;
mod failure;
mod idempotency;
mod keys;
mod lookup;
mod members;
mod organizations;
mod passkeys;
mod probes;
mod projects;
mod releases;
mod sso;
mod succession;
mod targets;
mod tokens;
mod user_agent;
mod violations;
mod webhooks;

use std::sync::Arc;

use axum::{Json, Router, extract::State, middleware, response::Response, routing::get};
use pintle_api::{BASE_PATH, Problem, WhoamiResponse};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        OpenApi as Document, SecurityRequirement,
        security::{Http, HttpAuthScheme, SecurityScheme},
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};

use self::{document::Routes, door::Door, extract::Caller};
pub(crate) use self::{
    extract::{Visitor, describe_request},
    failure::{ApiError, Failure, describe_failure, describe_service_error, internal_failure},
};
use crate::app::App;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Pintle",
        description = "Dynamic TLS certificate pinning: organizations, projects, drafts and signed releases.",
        license(name = "MIT OR Apache-2.0")
    ),
    components(schemas(Problem)),
    modifiers(&BearerToken)
)]
struct Description;

struct BearerToken;

impl Modify for BearerToken {
    fn modify(&self, document: &mut Document) {
        let scheme = Http::builder()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("An API token, or the secret of a session."))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(scheme));
        document.security = Some(vec![SecurityRequirement::new("token", Vec::<String>::new())]);
    }
}

fn describe() -> OpenApiRouter<App> {
    let routes = OpenApiRouter::new()
        .routes(routes!(whoami))
        .merge(accounts::router())
        .merge(passkeys::router())
        .merge(sso::router())
        .merge(organizations::router())
        .merge(members::router())
        .merge(tokens::router())
        .merge(audit::router())
        .merge(projects::router())
        .merge(keys::router())
        .merge(domains::router())
        .merge(drafts::router())
        .merge(drift::router())
        .merge(probes::router())
        .merge(releases::router())
        .merge(succession::router())
        .merge(targets::router())
        .merge(violations::router())
        .merge(alerts::router())
        .merge(webhooks::router())
        .merge(lookup::router())
        .merge(decode::router());
    OpenApiRouter::with_openapi(Description::openapi()).nest(BASE_PATH, routes)
}

pub(crate) fn router(app: &App) -> Router<App> {
    let (router, _) = describe().split_for_parts();
    let document = document();
    let door = Door { app: app.clone(), routes: Arc::new(Routes::read(&document)) };
    router
        .route_layer(middleware::from_fn_with_state(door, door::pass))
        .route(&format!("{BASE_PATH}/openapi.json"), get(async move || Json(document)))
}

/// The OpenAPI document of the API, as `docs/openapi.json` holds it.
pub fn openapi_json() -> String {
    let mut text = serde_json::to_string_pretty(&document()).unwrap_or_default();
    text.push('\n');
    text
}

fn document() -> serde_json::Value {
    let mut document = serde_json::to_value(describe().to_openapi()).unwrap_or_default();
    document::complete(&mut document);
    document
}

pub(crate) async fn no_such_route() -> ApiError {
    Failure::NoSuchRoute.into()
}

pub(crate) async fn method_not_allowed() -> ApiError {
    Failure::MethodNotAllowed.into()
}

/// Who the request is from, and what they may do.
#[utoipa::path(
    get, path = "/whoami", tag = "tokens", responses((status = 200, body = WhoamiResponse), Failure),
    extensions(("x-permission" = json!("signed_in")))
)]
async fn whoami(State(app): State<App>, Caller(actor): Caller) -> Json<WhoamiResponse> {
    Json(app.service.whoami(&actor))
}

/// An answer with an entity tag that is the draft's revision.
fn with_revision(revision: u64, response: impl axum::response::IntoResponse) -> Response {
    let mut response = response.into_response();
    if let Ok(tag) = axum::http::HeaderValue::try_from(format!("\"{revision}\"")) {
        response.headers_mut().insert(axum::http::header::ETAG, tag);
    }
    response
}
