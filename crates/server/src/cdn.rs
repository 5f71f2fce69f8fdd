//! The built-in CDN origin: static, public, signed files.

mod reports;
mod served;

use std::{sync::Arc, time::Instant};

use axum::{
    Router,
    body::Body,
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use pintle_publish::{Address, Bucket, BucketError};
use prometheus_client::metrics::gauge::Gauge;
use tokio::net::TcpListener;

use served::ServedFile;
pub(crate) use served::ServedFiles;

use crate::{
    api::{ApiError, Failure},
    app::App,
    client::Clients,
    config::ProxyConfig,
    listen::{self, Door, Limits},
};

pub(crate) fn router() -> Router<App> {
    Router::new().route("/cdn/{*path}", get(serve)).route("/reports", post(reports::take))
}

async fn serve(State(app): State<App>, path: Result<Path<String>, PathRejection>, headers: HeaderMap) -> Response {
    let address = path.ok().and_then(|Path(path)| Address::parse(&path));
    let mut response = match address {
        Some(address) => match find(&app, &address).await {
            Ok(file) => respond(&address, file, &headers),
            Err(failure) => failure.into_response(),
        },
        None => ApiError::from(Failure::NoSuchFile).into_response(),
    };
    // Anybody's script may read what anybody may fetch.
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

/// Serves the files of `bucket` with the headers and the limits of the built-in origin, and nothing else, until `closing`
/// completes: for what is served without a control plane behind it.
pub async fn serve_files(listener: TcpListener, bucket: Arc<dyn Bucket>, closing: impl Future<Output = ()> + Send) {
    let router = Router::new().route("/{*path}", get(serve_bucket)).with_state(bucket);
    let clients = Arc::new(Clients::new(ProxyConfig::default()));
    let limits = Limits::default();
    let door = Door { name: "files", listener, router, tls: None, clients, limits, open: Gauge::default() };
    listen::serve(door, closing).await;
}

async fn serve_bucket(
    State(bucket): State<Arc<dyn Bucket>>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Response {
    let Some(address) = path.ok().and_then(|Path(path)| Address::parse(&path)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mut response = match read_file(bucket.as_ref(), &address).await {
        Ok(Some(file)) => respond(&address, file, &headers),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => {
            tracing::error!(%error, bucket.name = bucket.name(), "a file cannot be read");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    };
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

async fn read_file(bucket: &dyn Bucket, address: &Address) -> Result<Option<ServedFile>, BucketError> {
    let Some(stored) = bucket.read(address).await? else { return Ok(None) };
    // A strong entity tag, with quotes; equal tags mean equal content.
    let etag =
        HeaderValue::try_from(format!("\"{}\"", stored.tag.0.trim_matches('"'))).map_err(BucketError::unavailable)?;
    Ok(Some(ServedFile { body: stored.body.into(), etag, age: None }))
}

/// The file as the database has it, which every instance shares; while the database fails, as it had it last.
async fn find(app: &App, address: &Address) -> Result<ServedFile, ApiError> {
    let asked_at = Instant::now();
    match app.service.read_published(address).await {
        Ok(Some(stored)) => Ok(app.served.save(address, stored, asked_at)),
        Ok(None) => {
            app.served.remove(address);
            // While nobody can say that it is gone, it is only not there.
            let is_withdrawn = app.service.is_withdrawn(address).await.unwrap_or_default();
            Err(if is_withdrawn { Failure::Withdrawn } else { Failure::NoSuchFile }.into())
        }
        Err(error) => {
            let kept = app.served.load(address, Instant::now());
            tracing::error!(%error, file.kept = kept.is_some(), "a published file cannot be read from the database");
            kept.ok_or_else(|| Failure::DatabaseUnavailable.into())
        }
    }
}

fn respond(address: &Address, file: ServedFile, request: &HeaderMap) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(header::ETAG, file.etag.clone());
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(address.object.cache_control()));
    if let Some(age) = file.age {
        // Caches count it against max-age (RFC 9111 §5.1): they come back for the current file as soon as there is one.
        headers.insert(header::AGE, age.as_secs().into());
    }
    if has_current(request, &file.etag) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(address.object.media_type()));
    (headers, Body::from(file.body)).into_response()
}

/// Whether `If-None-Match` names the current file (RFC 9110 §13.1.2: weak comparison).
fn has_current(request: &HeaderMap, etag: &HeaderValue) -> bool {
    request
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag).as_bytes() == etag.as_bytes())
}
