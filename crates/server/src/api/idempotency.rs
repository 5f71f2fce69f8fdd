//! POST requests that happen once, however often they arrive (draft-ietf-httpapi-idempotency-key-header).

use axum::{
    body::{self, Body, Bytes},
    extract::{FromRequest, Request},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use pintle_service::{Actor, IdempotencyKey, KeptAnswer};
use serde_json::{Value, json};
use tracing::Instrument as _;

use super::{ApiError, Failure};
use crate::{app::App, clock::now};

pub(super) const HEADER: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that an answer was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// What an answer means besides its status and body; every other header belongs to the one request.
const KEPT_HEADERS: [HeaderName; 3] = [header::CONTENT_TYPE, header::ETAG, header::LOCATION];
/// Enough for any UUID, and too many to be guessed.
const MIN_KEY_CHARS: usize = 16;
const MAX_KEY_CHARS: usize = 128;

/// The header's entry in the OpenAPI document.
pub(super) fn describe_header() -> Value {
    json!({
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Makes the request happen once: the same request with the same key is answered as the first \
                        time, for 24 hours. A UUID or another unique text, with or without quotation marks.",
        "required": false,
        "schema": { "type": "string", "pattern": r#"^([!#-\[\]-~]{16,128}|"[!#-\[\]-~]{16,128}")$"# },
        "example": "\"8e03978e-40d5-43dd-bc93-6894a57f9324\"",
    })
}

/// Carries the request out, unless it was before: then its answer is given again.
pub(super) async fn run_once(
    app: App,
    actor: Actor,
    request: Request,
    next: Next,
    answers_secret: bool,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let limits = parts.extensions.clone();
    let mut whole = Request::new(body);
    *whole.extensions_mut() = limits;
    let body = Bytes::from_request(whole, &app).await.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Failure::TooLarge,
        _ => Failure::BodyBroken,
    })?;
    let actor = actor.with_idempotency_key(parse_key(&parts, &body)?);
    if let Some(answer) = app.service.find_answer(&actor, now()).await? {
        return replay(answer).ok_or_else(|| Failure::Internal.into());
    }
    let mut request = Request::from_parts(parts, Body::from(body));
    request.extensions_mut().insert(actor.clone());
    let work = async move {
        let response = next.run(request).await;
        if response.status().is_success() { keep(&app, &actor, response, answers_secret).await } else { response }
    };
    // In a task of its own: a client that is gone, and will ask again, must not stop it half-way.
    match tokio::spawn(work.in_current_span()).await {
        Ok(response) => Ok(response),
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Err(Failure::Internal.into()),
    }
}

/// The key and what it came with. As the draft has it, it is a string in quotation marks; bare ones are common.
fn parse_key(parts: &Parts, body: &Bytes) -> Result<IdempotencyKey, ApiError> {
    let mut values = parts.headers.get_all(HEADER).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Err(Failure::IdempotencyKey.into()) };
    let text = value.to_str().map_err(|_| Failure::IdempotencyKey)?;
    let key = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    let is_allowed = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    if !(MIN_KEY_CHARS..=MAX_KEY_CHARS).contains(&key.len()) || !key.bytes().all(is_allowed) {
        return Err(Failure::IdempotencyKey.into());
    }
    let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
    let revision = parts.headers.get(header::IF_MATCH).map_or(&b""[..], HeaderValue::as_bytes);
    let request = [parts.method.as_str().as_bytes(), path.as_bytes(), revision, body];
    Ok(IdempotencyKey::new(key, &request)?)
}

/// Keeps what was answered, as far as it may be kept.
async fn keep(app: &App, actor: &Actor, response: Response, answers_secret: bool) -> Response {
    let (parts, body) = response.into_parts();
    let is_small = http_body::Body::size_hint(&body).upper().is_some_and(|size| size <= KeptAnswer::MAX_BODY_BYTES);
    let is_kept = is_small && !answers_secret && !parts.headers.contains_key(header::SET_COOKIE);
    let (body, kept) = if is_kept {
        match body::to_bytes(body, usize::MAX).await {
            Ok(bytes) => (Body::from(bytes.clone()), Some(bytes.to_vec())),
            Err(_) => return ApiError::from(Failure::Internal).into_response(),
        }
    } else {
        (body, None)
    };
    let answer = KeptAnswer { status: parts.status.as_u16(), headers: list_headers(&parts.headers), body: kept };
    if let Err(error) = app.service.save_answer(actor, answer, now()).await {
        tracing::warn!(%error, "the answer to a request with an idempotency key is not kept");
    }
    Response::from_parts(parts, body)
}

fn list_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let find = |name: &HeaderName| Some((name.to_string(), headers.get(name)?.to_str().ok()?.to_owned()));
    KEPT_HEADERS.iter().filter_map(find).collect()
}

fn replay(answer: KeptAnswer) -> Option<Response> {
    let mut response = Response::new(Body::from(answer.body?));
    *response.status_mut() = StatusCode::from_u16(answer.status).ok()?;
    for (name, value) in answer.headers {
        response.headers_mut().insert(HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?);
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    Some(response)
}
