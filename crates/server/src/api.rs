//! The JSON API: routes that extract, call one action, and map its answer.

mod domains;
mod drafts;
mod extract;
mod failure;
mod organizations;
mod projects;
mod releases;
mod succession;

use axum::{Json, Router, extract::State, response::Response, routing::get};
use pintle_api::{BASE_PATH, Problem, WhoamiResponse};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        OpenApi as Document, SecurityRequirement,
        security::{Http, HttpAuthScheme, SecurityScheme},
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};

use self::extract::Caller;
pub(crate) use self::failure::{ApiError, Failure, describe_failure, internal_failure};
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
        let scheme = Http::builder().scheme(HttpAuthScheme::Bearer).description(Some("An API token.")).build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(scheme));
        document.security = Some(vec![SecurityRequirement::new("token", Vec::<String>::new())]);
    }
}

fn describe() -> OpenApiRouter<App> {
    let routes = OpenApiRouter::new()
        .routes(routes!(whoami))
        .merge(organizations::router())
        .merge(projects::router())
        .merge(domains::router())
        .merge(drafts::router())
        .merge(releases::router())
        .merge(succession::router());
    OpenApiRouter::with_openapi(Description::openapi()).nest(BASE_PATH, routes)
}

pub(crate) fn router() -> Router<App> {
    let (router, document) = describe().split_for_parts();
    router.route(&format!("{BASE_PATH}/openapi.json"), get(async move || Json(document)))
}

/// The OpenAPI document of the API, as `docs/openapi.json` holds it.
pub fn openapi_json() -> String {
    let mut text = describe().to_openapi().to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

pub(crate) async fn no_such_route() -> ApiError {
    Failure::NoSuchRoute.into()
}

pub(crate) async fn method_not_allowed() -> ApiError {
    Failure::MethodNotAllowed.into()
}

/// Whose token this is, and what it may do.
#[utoipa::path(get, path = "/whoami", tag = "tokens", responses((status = 200, body = WhoamiResponse), Failure))]
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
