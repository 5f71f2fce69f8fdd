//! What goes wrong, as a page or beside the field of a form.

use axum::{
    body::Body,
    http::{Response as HttpResponse, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use pintle_api::Finding;
use pintle_service::{AccountError, ErrorKind, GuardError, ServiceError};
use tower_http::csrf::ProtectionError;

use super::{
    frame::{FailurePage, Frame, render},
    show::sentence,
    step_up,
};
use crate::api::{ApiError, describe_service_error};

/// Why there is another page than the one asked for.
#[derive(Clone, Debug)]
pub(super) struct PageError {
    status: StatusCode,
    code: &'static str,
    message: std::borrow::Cow<'static, str>,
    hint: Option<&'static str>,
}

impl PageError {
    const fn new(status: StatusCode, code: &'static str, message: &'static str, hint: &'static str) -> Self {
        Self { status, code, message: std::borrow::Cow::Borrowed(message), hint: Some(hint) }
    }

    pub(super) const NOT_FOUND: Self = Self::new(
        StatusCode::NOT_FOUND,
        "not_found",
        "There is nothing at this address, or nothing that you may see",
        "go back, or begin at your projects",
    );
    pub(super) const SIGNED_OUT: Self =
        Self::new(StatusCode::UNAUTHORIZED, "session_invalid", "You are not signed in", "sign in");
    pub(super) const FOREIGN_FORM: Self = Self::new(
        StatusCode::FORBIDDEN,
        "form_foreign",
        "This form was sent by a page of another site, or hides where it comes from",
        "open the page here and send its form from there",
    );
    pub(super) const FORM_STALE: Self = Self::new(
        StatusCode::FORBIDDEN,
        "form_stale",
        "This form belongs to another session: somebody signed in or out since it was opened",
        "go back, load the page again, and repeat",
    );
    pub(super) const FORM_BROKEN: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "form_invalid",
        "The form did not arrive whole",
        "go back and send it again; a file may have at most 1 MiB",
    );
    pub(super) const QUERY_INVALID: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "query_invalid",
        "This address is not one that the pages make: what stands behind its question mark cannot be read",
        "go back, or begin at your projects",
    );
    pub(super) const STREAMS_BUSY: Self = Self::new(
        StatusCode::TOO_MANY_REQUESTS,
        "streams_busy",
        "Too many pages are followed live just now",
        "close some of them, or load the page again now and then",
    );
    pub(super) const INTERNAL: Self = Self::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal_error",
        "The server failed; its log says more",
        "try again in a moment",
    );

    pub(super) fn is_signed_out(&self) -> bool {
        matches!(self.code, "session_invalid" | "token_invalid")
    }

    pub(super) fn show(&self, frame: &Frame) -> Response {
        let back = frame.here.as_str();
        if self.is_signed_out() {
            return Redirect::to(&step_up::sign_in_path(back)).into_response();
        }
        if self.code == "step_up_needed" {
            return Redirect::to(&step_up::path(back)).into_response();
        }
        let title = match self.status {
            StatusCode::NOT_FOUND => "Not found",
            StatusCode::FORBIDDEN => "Not allowed",
            StatusCode::TOO_MANY_REQUESTS => "Too often",
            _ => "That did not work",
        };
        let refusal = Refusal {
            code: self.code,
            field: "",
            message: sentence(&self.message),
            hint: self.hint.map(sentence),
            findings: Vec::new(),
        };
        let mut response = render(&FailurePage { frame: frame.clone(), title, refusal });
        *response.status_mut() = self.status;
        response
    }
}

impl From<ServiceError> for PageError {
    fn from(error: ServiceError) -> Self {
        let (status, code, message, hint) = describe_service_error(&error);
        Self { status, code, message: message.into(), hint }
    }
}

impl From<ApiError> for PageError {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::Service(error) => error.into(),
            ApiError::Http(failure) => {
                let (status, code, message, hint) = failure.describe();
                Self { status, code, message: message.into(), hint }
            }
        }
    }
}

/// The frame shows it: see [`wrap`](super::frame::wrap).
impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// What the CSRF layer answers.
pub(super) fn foreign_form(_: ProtectionError) -> HttpResponse<Body> {
    PageError::FOREIGN_FORM.into_response()
}

/// Why a form was not taken; its page shows it again, as it was typed.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) code: &'static str,
    /// The field it is about; empty: the whole form.
    pub(super) field: &'static str,
    pub(super) message: String,
    pub(super) hint: Option<String>,
    /// What the guard found.
    pub(super) findings: Vec<Finding>,
}

/// Codes that are about one field, whichever form it is in.
const FIELDS: [(&str, &str); 24] = [
    ("address_invalid", "email"),
    ("address_taken", "email"),
    ("already_exists", "name"),
    ("code_invalid", "code"),
    ("ct_logs_missing", "ct"),
    ("ct_search_off", "ct_host"),
    ("ct_search_silent", "ct_host"),
    ("ct_search_slow", "ct_host"),
    ("domain_invalid", "name"),
    ("host_invalid", "host"),
    ("host_unseen", "host"),
    ("lifetime_exceeded", "lifetime"),
    ("lookup_busy", "host"),
    ("lookup_off", "host"),
    ("passkey_refused", "name"),
    ("password_missing", "password"),
    ("password_unfit", "password"),
    ("pin_invalid", "digest"),
    ("public_suffix", "name"),
    ("publish_at_invalid", "publish_at"),
    ("scope_exceeded", "scopes"),
    ("second_factor_wrong", "code"),
    ("setup_invalid", "public_key"),
    ("webhook_url_invalid", "url"),
];

impl Refusal {
    /// # Errors
    /// What no other entry in the form would mend: that is a page of its own.
    pub(super) fn of(error: ServiceError) -> Result<Self, PageError> {
        let is_mended_here = match error.kind() {
            ErrorKind::Conflict
            | ErrorKind::PreconditionFailed
            | ErrorKind::TooLarge
            | ErrorKind::Unprocessable
            | ErrorKind::TooMany
            | ErrorKind::Upstream => true,
            ErrorKind::Unauthenticated => {
                matches!(error.code(), "sign_in_failed" | "second_factor_wrong" | "passkey_refused" | "sso_refused")
            }
            ErrorKind::Forbidden => !matches!(
                error,
                ServiceError::RoleInsufficient { .. }
                    | ServiceError::ScopeMissing { .. }
                    | ServiceError::Account(AccountError::StepUpNeeded)
            ),
            ErrorKind::NotFound | ErrorKind::Unavailable | ErrorKind::Internal => false,
        };
        if !is_mended_here {
            return Err(error.into());
        }
        let (code, hint) = (error.code(), error.hint().map(sentence));
        let known = FIELDS.iter().find(|(known, _)| *known == code).map_or("", |(_, field)| field);
        let (field, message) = match &error {
            ServiceError::ValueInvalid { member, expected } => (*member, sentence(format!("must be {expected}"))),
            _ => (known, sentence(error.to_string())),
        };
        let findings = match error {
            ServiceError::Guard(GuardError::Refused { findings, .. }) => findings,
            _ => Vec::new(),
        };
        Ok(Self { code, field, message, hint, findings })
    }

    /// One of the pages' own.
    pub(super) fn local(field: &'static str, code: &'static str, message: &str) -> Self {
        Self { code, field, message: sentence(message), hint: None, findings: Vec::new() }
    }
}
