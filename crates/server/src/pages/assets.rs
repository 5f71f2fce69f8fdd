//! Style, scripts and pictures: inside the binary, at addresses that change with them, compressed once.

use std::{borrow::Cow, collections::BTreeMap, io::Write as _, sync::LazyLock};

use axum::{
    Router,
    extract::Path,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use flate2::{Compression, write::GzEncoder};
use rust_embed::RustEmbed;
use sha2::{Digest as _, Sha256};

use crate::app::App;

#[derive(RustEmbed)]
#[folder = "assets/"]
struct Files;

struct Asset {
    media_type: &'static str,
    plain: Cow<'static, [u8]>,
    compressed: Vec<u8>,
}

/// All of them, and one hash over all: modules name each other by relative paths, which a hash of each would break.
struct Assets {
    hash: String,
    by_name: BTreeMap<String, Asset>,
}

static ASSETS: LazyLock<Assets> = LazyLock::new(|| {
    let mut digest = Sha256::new();
    let mut by_name = BTreeMap::new();
    for name in Files::iter() {
        let Some(file) = Files::get(&name) else { continue };
        digest.update(name.as_bytes());
        digest.update(&file.data);
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        let compressed = encoder.write_all(&file.data).and_then(|()| encoder.finish()).unwrap_or_default();
        let asset = Asset { media_type: media_type(&name), plain: file.data, compressed };
        by_name.insert(name.into_owned(), asset);
    }
    Assets { hash: digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect(), by_name }
});

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

/// The address of the file now.
pub(super) fn path(name: &str) -> String {
    format!("/assets/{}/{name}", ASSETS.hash)
}

pub(super) fn router() -> Router<App> {
    Router::new().route("/assets/{hash}/{name}", get(read)).route("/favicon.ico", get(icon))
}

async fn read(Path((hash, name)): Path<(String, String)>, headers: HeaderMap) -> Response {
    let asset = ASSETS.by_name.get(&name).filter(|_| hash == ASSETS.hash);
    asset.map_or_else(|| StatusCode::NOT_FOUND.into_response(), |asset| send(asset, &headers))
}

async fn icon(headers: HeaderMap) -> Response {
    let asset = ASSETS.by_name.get("icon.svg");
    asset.map_or_else(|| StatusCode::NOT_FOUND.into_response(), |asset| send(asset, &headers))
}

fn send(asset: &'static Asset, request: &HeaderMap) -> Response {
    let accepted = request.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    let is_compressed = !asset.compressed.is_empty() && accepted.is_some_and(|value| value.contains("gzip"));
    let body = if is_compressed { asset.compressed.as_slice() } else { &asset.plain };
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.media_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    if is_compressed {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_a_first_page_loads_is_small() {
        let loaded: usize = ASSETS.by_name.values().map(|asset| asset.compressed.len()).sum();
        assert!(loaded < 90_000, "{loaded} bytes");
    }
}
