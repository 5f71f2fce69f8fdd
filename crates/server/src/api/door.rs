//! What every request to the API goes through before its handler: no route can leave it out.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts as _, MatchedPath, Query, Request, State},
    http::Method,
    middleware::Next,
    response::Response,
};

use super::{
    ApiError, Failure,
    document::{Route, Routes},
    extract::{Caller, MaybeCaller},
    idempotency,
};
use crate::app::App;

/// What the door knows.
#[derive(Clone, Debug)]
pub(super) struct Door {
    pub(super) app: App,
    pub(super) routes: Arc<Routes>,
}

/// Asks who it is, refuses what the route does not take, and carries a POST with an idempotency key out once.
pub(super) async fn pass(State(door): State<Door>, request: Request, next: Next) -> Result<Response, ApiError> {
    let path = request.extensions().get::<MatchedPath>();
    let Some(route) = path.and_then(|path| door.routes.find(request.method(), path.as_str())) else {
        return Ok(next.run(request).await);
    };
    let (mut parts, body) = request.into_parts();
    let actor = if route.is_public {
        // Who says who they are is counted like everywhere, and let through like anybody.
        let MaybeCaller(caller) = MaybeCaller::from_request_parts(&mut parts, &door.app).await?;
        if let Some(actor) = caller {
            parts.extensions.insert(actor);
        }
        None
    } else {
        let Caller(actor) = Caller::from_request_parts(&mut parts, &door.app).await?;
        // For the handler, which asks again.
        parts.extensions.insert(actor.clone());
        Some(actor)
    };
    check_query(route, &parts.uri)?;
    let is_keyed = parts.method == Method::POST && parts.headers.contains_key(idempotency::HEADER);
    let request = Request::from_parts(parts, body);
    match actor {
        Some(actor) if is_keyed => {
            idempotency::run_once(door.app.clone(), actor, request, next, route.answers_secret).await
        }
        _ => Ok(next.run(request).await),
    }
}

/// A misspelt parameter is an error, never silently ignored.
fn check_query(route: &Route, uri: &axum::http::Uri) -> Result<(), Failure> {
    let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri).map_err(|_| Failure::QueryBroken)?;
    match pairs.into_iter().find(|(name, _)| !route.query.contains(name)) {
        Some((name, _)) => Err(Failure::QueryUnknown(name)),
        None => Ok(()),
    }
}
