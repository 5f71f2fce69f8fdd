//! The router: what every request goes through, and which room it reaches.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{DefaultBodyLimit, MatchedPath, Request},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware,
    response::Response,
};
use pintle_service::Service;
use tokio::sync::watch;
use tower_http::{
    catch_panic::CatchPanicLayer,
    limit::RequestBodyLimitLayer,
    request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer},
    sensitive_headers::SetSensitiveRequestHeadersLayer,
    set_header::SetResponseHeaderLayer,
    timeout::TimeoutLayer,
    trace::TraceLayer,
};

use crate::{
    api, cdn,
    client::{self, Clients},
    health,
    metrics::{self, Metrics},
    pages,
    rate::{self, RateLimits},
};

/// A signed file has at most 4 MiB (P-2.1); the rest is the JSON around it.
const MAX_BODY_BYTES: usize = 4 * 1024 * 1024 + 64 * 1024;
/// Longer than the store waits for a connection, shorter than clients wait.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);

/// What handlers share.
#[derive(Clone, Debug)]
pub(crate) struct App {
    pub(crate) service: Arc<Service>,
    pub(crate) served: Arc<cdn::ServedFiles>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) clients: Arc<Clients>,
    pub(crate) limits: Arc<RateLimits>,
    /// Pages that are followed live.
    pub(crate) streams: Arc<pages::Streams>,
    /// Whether somebody asked the server to stop.
    pub(crate) stopping: watch::Receiver<bool>,
    /// Whether clients reach it over TLS, its own or a proxy's.
    pub(crate) is_https: bool,
    /// Under which they do.
    pub(crate) public_url: Arc<str>,
    /// Whom to tell of a weakness, where the operator says.
    pub(crate) security_contact: Option<Arc<str>>,
}

/// What can be reached through a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    Api,
    Pages,
    Cdn,
    Metrics,
}

pub(crate) fn router(app: App, rooms: &[Room]) -> Router {
    let request_id = HeaderName::from_static("x-request-id");
    let limit = middleware::from_fn_with_state(Arc::clone(&app.limits), rate::limit);
    let open = |room: &Room| match room {
        Room::Api => api::router(&app).layer(limit.clone()),
        Room::Pages => pages::router(&app).layer(limit.clone()),
        Room::Cdn => cdn::router(),
        Room::Metrics => metrics::router(),
    };
    let count = middleware::from_fn_with_state(Arc::clone(&app.metrics), metrics::count);
    let identify = middleware::from_fn_with_state(Arc::clone(&app.clients), client::identify);
    let hsts = app.is_https.then(|| value("max-age=63072000"));
    let routes = rooms.iter().map(open).fold(health::router(), Router::merge);
    let routes = match rooms.contains(&Room::Pages) {
        true => routes.fallback(pages::no_such_page),
        false => routes.fallback(api::no_such_route),
    };
    routes
        .method_not_allowed_fallback(api::method_not_allowed)
        .with_state(app)
        // From the inside out: what stands first here runs last on the way in.
        .layer(DefaultBodyLimit::disable())
        .layer(RequestBodyLimitLayer::new(MAX_BODY_BYTES))
        .layer(CatchPanicLayer::custom(|_| api::internal_failure()))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, REQUEST_TIMEOUT))
        .layer(middleware::map_response(api::describe_failure))
        .layer(SetResponseHeaderLayer::overriding(header::X_CONTENT_TYPE_OPTIONS, value("nosniff")))
        .layer(SetResponseHeaderLayer::if_not_present(header::REFERRER_POLICY, value("no-referrer")))
        .layer(SetResponseHeaderLayer::if_not_present(
            header::CONTENT_SECURITY_POLICY,
            value("default-src 'none'; frame-ancestors 'none'"),
        ))
        .layer(SetResponseHeaderLayer::overriding(header::STRICT_TRANSPORT_SECURITY, hsts))
        .layer(SetResponseHeaderLayer::if_not_present(header::CACHE_CONTROL, value("no-store")))
        .layer(count)
        .layer(PropagateRequestIdLayer::new(request_id.clone()))
        .layer(TraceLayer::new_for_http().make_span_with(span).on_response(log_response).on_failure(()))
        .layer(SetRequestIdLayer::new(request_id, MakeRequestUuid))
        .layer(SetSensitiveRequestHeadersLayer::new([header::AUTHORIZATION, header::COOKIE]))
        .layer(identify)
}

fn value(text: &'static str) -> HeaderValue {
    HeaderValue::from_static(text)
}

fn span(request: &Request) -> tracing::Span {
    let id = request.headers().get("x-request-id").and_then(|id| id.to_str().ok()).unwrap_or_default();
    // The template, not the path: what a client writes there by mistake, as a token, does not belong in a log.
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str);
    tracing::info_span!("request", request.id = id, http.method = %request.method(), http.route = route)
}

fn log_response(response: &Response, latency: Duration, _: &tracing::Span) {
    let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
    tracing::debug!(http.status = response.status().as_u16(), http.latency_us = micros, "answered");
}
