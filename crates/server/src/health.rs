use axum::{Router, extract::State, routing::get};

use crate::{api::ApiError, app::App};

pub(crate) fn router() -> Router<App> {
    Router::new().route("/healthz", get(async || "ok\n")).route("/readyz", get(ready))
}

/// The process can serve: its database answers and has the expected schema.
async fn ready(State(app): State<App>) -> Result<&'static str, ApiError> {
    app.service.check_ready().await?;
    Ok("ready\n")
}
