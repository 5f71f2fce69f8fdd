use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};

use super::show::Time;
use crate::{app::App, clock::now};

const VALID_SECS: u64 = 180 * 86_400;

pub(super) fn router() -> Router<App> {
    Router::new().route("/.well-known/security.txt", get(security_txt))
}

/// Whom to tell of a weakness (RFC 9116), where the operator says.
async fn security_txt(State(app): State<App>) -> Response {
    let Some(contact) = &app.security_contact else { return StatusCode::NOT_FOUND.into_response() };
    let expires = Time::new(now().as_secs() + VALID_SECS);
    let text = format!(
        "Contact: {contact}\nExpires: {}\nPreferred-Languages: en\nCanonical: {}/.well-known/security.txt\n",
        expires.machine, app.public_url
    );
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}
