//! Takes what apps report of violations (`docs/spec/reports.md`), and believes nobody.

use axum::{
    body::Bytes,
    extract::State,
    http::{Extensions, StatusCode},
    response::{IntoResponse as _, Response},
};
use pintle_api::ViolationReport;

use crate::{
    api::{ApiError, Failure},
    app::App,
};

/// A report of all that an SDK counts at once has less.
const MAX_BYTES: usize = 16 * 1024;

pub(super) async fn take(State(app): State<App>, extensions: Extensions, body: Bytes) -> Response {
    match note(&app, &extensions, &body) {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(failure) => failure.into_response(),
    }
}

fn note(app: &App, extensions: &Extensions, body: &[u8]) -> Result<(), ApiError> {
    app.limits.check_report(extensions)?;
    if body.len() > MAX_BYTES {
        return Err(Failure::TooLarge.into());
    }
    let report: ViolationReport =
        serde_json::from_slice(body).map_err(|error| Failure::JsonShape(error.to_string()))?;
    if report.format != 1 {
        return Err(Failure::JsonShape("`format` is not 1".to_owned()).into());
    }
    if app.service.note_violations(&report) { Ok(()) } else { Err(Failure::NoSuchRoute.into()) }
}
