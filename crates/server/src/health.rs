use axum::{Router, extract::State, routing::get};

use crate::{
    api::{ApiError, Failure},
    app::App,
};

pub(crate) fn router() -> Router<App> {
    Router::new().route("/healthz", get(async || "ok\n")).route("/readyz", get(ready))
}

/// Requests are welcome: the database answers, has the expected schema, and nobody asked the server to stop.
async fn ready(State(app): State<App>) -> Result<&'static str, ApiError> {
    if *app.stopping.borrow() {
        return Err(Failure::Stopping.into());
    }
    app.service.check_ready().await?;
    Ok("ready\n")
}
