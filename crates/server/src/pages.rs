//! The dashboard: pages that extract, call an action, and show its answer. What they may do is what the session may do
//! ([`Actor`](pintle_service::Actor)), and what belongs to others does not exist here either.
//!
//! ```text
//! request ─► frame (nonce, headers, errors as pages) ─► CSRF (where from) ─► handler ─► template
//!                                                          └─► Submitted (token of the session)
//! ```

mod account;
mod agents;
mod alerts;
mod assets;
mod audit;
mod certificate;
mod changes;
mod chart;
mod cookie;
mod domains;
mod draft_settings;
mod export;
mod failure;
mod findings;
mod form;
mod frame;
mod identities;
mod keys;
mod live;
mod members;
mod monitor;
mod organizations;
mod passkeys;
mod pins;
mod place;
mod projects;
mod qr;
mod releases;
mod rotation;
mod setup;
mod show;
mod sign_in;
mod step_up;
mod targets;
mod timeline;
mod tokens;
mod tools;
mod webhooks;
mod well_known;
mod withdraw;

use axum::{
    Router,
    extract::{Request, State},
    handler::Handler as _,
    http::{StatusCode, header},
    middleware,
    response::{IntoResponse as _, Response},
    routing::get,
};
use tower_http::csrf::CsrfLayer;

pub(crate) use self::live::Streams;
use crate::{api, app::App};

/// The pages, each behind the same frame.
pub(crate) fn router(app: &App) -> Router<App> {
    let pages = Router::new()
        .route("/", get(organizations::home))
        .merge(sign_in::router())
        .merge(passkeys::router())
        .merge(account::router())
        .merge(identities::router())
        .merge(organizations::router())
        .merge(export::router())
        .merge(members::router())
        .merge(tokens::router())
        .merge(projects::router())
        .merge(setup::router())
        .merge(domains::router())
        .merge(pins::router())
        .merge(draft_settings::router())
        .merge(rotation::router())
        .merge(releases::router())
        .merge(live::router())
        .merge(withdraw::router())
        .merge(keys::router())
        .merge(targets::router())
        .merge(audit::router())
        .merge(alerts::router())
        .merge(webhooks::router())
        .merge(agents::router())
        .merge(monitor::router())
        .merge(tools::router());
    // A page of another origin cannot send a form here; who hides where a form comes from cannot either.
    let same_origin = CsrfLayer::new().with_rejection_response(failure::foreign_form);
    pages
        .layer(middleware::from_fn(frame::require_origin))
        .layer(same_origin)
        .layer(middleware::from_fn_with_state(app.clone(), frame::wrap))
        .merge(assets::router())
        .merge(well_known::router())
}

/// What is at no route: a page for a browser, a problem document for a program.
pub(crate) async fn no_such_page(State(app): State<App>, request: Request) -> Response {
    let accepts_html = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let is_program = ["/api/", "/cdn/"].iter().any(|room| request.uri().path().starts_with(room));
    if is_program || !accepts_html.is_some_and(|value| value.contains("text/html")) {
        return api::no_such_route().await.into_response();
    }
    let missing = || async { failure::PageError::NOT_FOUND };
    let page = missing.layer(middleware::from_fn_with_state(app.clone(), frame::wrap));
    let mut response = page.call(request, app).await;
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}
