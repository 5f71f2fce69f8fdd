use std::{collections::BTreeMap, time::Duration};

use axum::{
    Json,
    extract::rejection::JsonRejection,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use pintle_api::{Finding, Problem};
use pintle_service::{ErrorKind, GuardError, ServiceError};
use utoipa::{
    IntoResponses, ToSchema as _,
    openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder, response::Response as DocumentedResponse},
};

use crate::rate::whole_secs;

/// A failure of HTTP itself: no action was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    TokenMissing,
    NoSuchRoute,
    NoSuchFile,
    Withdrawn,
    MethodNotAllowed,
    MediaType,
    TooLarge,
    JsonSyntax(String),
    JsonShape(String),
    IfMatch,
    IdempotencyKey,
    QueryUnknown(String),
    QueryInvalid(String),
    QueryBroken,
    BodyBroken,
    DatabaseUnavailable,
    Stopping,
    TimedOut,
    RateLimited { limit: &'static str, wait: Duration },
    Internal,
}

/// Every failure of the API, on its way to a problem document.
#[derive(Debug)]
pub(crate) enum ApiError {
    Http(Failure),
    Service(ServiceError),
}

impl ApiError {
    /// Whether somebody asked too often.
    pub(crate) fn is_rate_limit(&self) -> bool {
        matches!(self, Self::Http(Failure::RateLimited { .. }))
    }
}

impl From<Failure> for ApiError {
    fn from(failure: Failure) -> Self {
        Self::Http(failure)
    }
}

impl From<ServiceError> for ApiError {
    fn from(error: ServiceError) -> Self {
        Self::Service(error)
    }
}

impl From<JsonRejection> for ApiError {
    fn from(rejection: JsonRejection) -> Self {
        let text = rejection.body_text();
        Self::Http(match rejection {
            JsonRejection::JsonDataError(_) => Failure::JsonShape(text),
            JsonRejection::MissingJsonContentType(_) => Failure::MediaType,
            other if other.status() == StatusCode::PAYLOAD_TOO_LARGE => Failure::TooLarge,
            _ => Failure::JsonSyntax(text),
        })
    }
}

impl Failure {
    pub(crate) fn describe(self) -> (StatusCode, &'static str, String, Option<&'static str>) {
        let text = str::to_owned;
        match self {
            Self::TokenMissing => (
                StatusCode::UNAUTHORIZED,
                "token_missing",
                text("the request carries no API token"),
                Some("send `Authorization: Bearer pintle_…`"),
            ),
            Self::NoSuchRoute => (
                StatusCode::NOT_FOUND,
                "route_not_found",
                text("no such route"),
                Some("the routes are listed in /api/v1/openapi.json"),
            ),
            Self::NoSuchFile => (
                StatusCode::NOT_FOUND,
                "not_found",
                text("no such published file"),
                Some("a project has files once its first release is live"),
            ),
            Self::Withdrawn => (
                StatusCode::GONE,
                "config_withdrawn",
                text("the project is withdrawn: this file was taken away on purpose"),
                Some("`pins.jws` says what counts; a restored project publishes again"),
            ),
            Self::MethodNotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                text("this route does not know this method"),
                Some("the `Allow` header names the methods"),
            ),
            Self::MediaType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "media_type_unsupported",
                text("the body is not announced as JSON"),
                Some("send `Content-Type: application/json`"),
            ),
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "body_too_large",
                text("the body is larger than any request needs"),
                None,
            ),
            Self::JsonSyntax(detail) => (StatusCode::BAD_REQUEST, "json_invalid", detail, Some("send valid JSON")),
            Self::JsonShape(detail) => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "value_invalid",
                detail,
                Some("the members and their values are described in /api/v1/openapi.json"),
            ),
            Self::IfMatch => (
                StatusCode::BAD_REQUEST,
                "if_match_invalid",
                text("`If-Match` is not one entity tag of a draft"),
                Some("send the `ETag` of the draft as it came, or leave the header out"),
            ),
            Self::IdempotencyKey => (
                StatusCode::BAD_REQUEST,
                "idempotency_key_invalid",
                text("`Idempotency-Key` is not one key of 16 to 128 visible ASCII characters"),
                Some("send a fresh UUID"),
            ),
            Self::QueryUnknown(name) => (
                StatusCode::BAD_REQUEST,
                "query_invalid",
                format!("this route has no query parameter {name:?}"),
                Some("the parameters are described in /api/v1/openapi.json"),
            ),
            Self::QueryInvalid(detail) => (
                StatusCode::BAD_REQUEST,
                "query_invalid",
                detail,
                Some("the parameters are described in /api/v1/openapi.json"),
            ),
            Self::QueryBroken => (
                StatusCode::BAD_REQUEST,
                "query_invalid",
                text("the query is not form-encoded"),
                Some("write it as `name=value&name=value`, percent-encoded"),
            ),
            Self::BodyBroken => (
                StatusCode::BAD_REQUEST,
                "body_broken",
                text("the body ended early or is not framed as announced"),
                Some("send the request again"),
            ),
            Self::DatabaseUnavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "database_unavailable",
                text("the database is unavailable"),
                Some("try again in a moment"),
            ),
            Self::TimedOut => (
                StatusCode::SERVICE_UNAVAILABLE,
                "timed_out",
                text("the request took too long"),
                Some("try again in a moment"),
            ),
            Self::Stopping => (
                StatusCode::SERVICE_UNAVAILABLE,
                "stopping",
                text("the server is stopping"),
                Some("ask another instance"),
            ),
            Self::RateLimited { limit, wait } => (
                StatusCode::TOO_MANY_REQUESTS,
                "rate_limited",
                format!("too many requests of this {limit}; the next one is allowed in {} s", whole_secs(wait)),
                Some("wait as long as `Retry-After` says; `RateLimit-Policy` tells the limits"),
            ),
            Self::Internal => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal_error",
                text("the server failed; its log says more"),
                None,
            ),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let retry_secs = match &self {
            Self::Http(Failure::RateLimited { wait, .. }) => whole_secs(*wait).max(1),
            Self::Service(ServiceError::Account(error)) => error.retry_after_secs().unwrap_or(5),
            _ => 5,
        };
        let (status, code, detail, hint) = match &self {
            Self::Http(failure) => failure.clone().describe(),
            Self::Service(error) => describe_service_error(error),
        };
        let findings = match self {
            Self::Service(ServiceError::Guard(GuardError::Refused { findings, .. })) => findings,
            _ => Vec::new(),
        };
        let mut response = problem(status, code, detail, hint, findings);
        let headers = response.headers_mut();
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
            headers.insert(header::RETRY_AFTER, retry_secs.into());
        }
        response
    }
}

/// Status, code, what happened, and what to do about it; what is for the log alone goes there.
pub(crate) fn describe_service_error(error: &ServiceError) -> (StatusCode, &'static str, String, Option<&'static str>) {
    let status = match error.kind() {
        ErrorKind::Unauthenticated => StatusCode::UNAUTHORIZED,
        ErrorKind::Forbidden => StatusCode::FORBIDDEN,
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::Conflict => StatusCode::CONFLICT,
        ErrorKind::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
        ErrorKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorKind::TooMany => StatusCode::TOO_MANY_REQUESTS,
        ErrorKind::Unprocessable => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorKind::Upstream => StatusCode::BAD_GATEWAY,
        ErrorKind::Unavailable | ErrorKind::Internal => {
            // What the database or our own code says is for the log alone.
            tracing::error!(error.code = error.code(), %error, "a request failed");
            let failure =
                if error.kind() == ErrorKind::Unavailable { Failure::DatabaseUnavailable } else { Failure::Internal };
            return failure.describe();
        }
    };
    (status, error.code(), error.to_string(), error.hint())
}

fn problem(status: StatusCode, code: &str, detail: String, hint: Option<&str>, findings: Vec<Finding>) -> Response {
    let body = Problem {
        code: code.to_owned(),
        title: status.canonical_reason().unwrap_or_default().to_owned(),
        status: status.as_u16(),
        detail,
        hint: hint.map(str::to_owned),
        findings,
    };
    (status, [(header::CONTENT_TYPE, Problem::MEDIA_TYPE)], Json(body)).into_response()
}

/// What a caught panic answers; its message went to standard error.
pub(crate) fn internal_failure() -> Response {
    tracing::error!(error.code = "internal_error", "a handler panicked");
    ApiError::from(Failure::Internal).into_response()
}

/// Failures that a layer answered in its own words get their problem document here.
pub(crate) async fn describe_failure(response: Response) -> Response {
    let is_described = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == Problem::MEDIA_TYPE);
    match response.status() {
        _ if is_described => response,
        StatusCode::SERVICE_UNAVAILABLE => ApiError::from(Failure::TimedOut).into_response(),
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::from(Failure::TooLarge).into_response(),
        _ => response,
    }
}

/// In the OpenAPI document every route may answer with a problem.
impl IntoResponses for Failure {
    fn responses() -> BTreeMap<String, RefOr<DocumentedResponse>> {
        let schema = Ref::from_schema_name(Problem::name());
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let response = ResponseBuilder::new()
            .description("Refused or failed: a problem document (RFC 9457) with a stable code")
            .content(Problem::MEDIA_TYPE, content)
            .build();
        BTreeMap::from([("default".to_owned(), response.into())])
    }
}
