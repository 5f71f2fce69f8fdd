//! What the many errors of object stores mean.

use std::error::Error as _;

use object_store::{
    Error,
    client::{HttpError, HttpErrorKind},
};

use crate::{BucketError, Cause};

/// A store may answer with pages; people read a line.
const MAX_CHARS: usize = 200;

/// What a store said, short, and without the URL, which may hold a signature.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Said(String);

impl Said {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into().chars().filter(|char| !char.is_control()).take(MAX_CHARS).collect())
    }
}

/// Whether it is the file that is missing, and not the bucket.
pub(super) fn is_missing_file(error: &Error) -> bool {
    matches!(error, Error::NotFound { .. }) && read(error).cause() != Some(Cause::BucketMissing)
}

pub(super) fn explain(error: &Error) -> BucketError {
    let answer = read(error);
    let by_kind = || match error {
        Error::PermissionDenied { .. } => Some(Cause::Denied),
        Error::Unauthenticated { .. } => Some(Cause::CredentialsRefused),
        Error::NotFound { .. } => Some(Cause::BucketMissing),
        Error::NotImplemented { .. } => Some(Cause::ConditionsUnsupported),
        _ => None,
    };
    let cause = answer.cause().or_else(by_kind).or_else(|| explain_transport(error)).unwrap_or(Cause::Unknown);
    BucketError::because(cause, Said::new(answer.say(error)))
}

/// An answer of a store, as far as there was one.
struct Answer {
    status: Option<u16>,
    /// As in `AccessDenied`.
    code: Option<String>,
    message: Option<String>,
}

fn read(error: &Error) -> Answer {
    // The store's answer is in the text of the error and nowhere else.
    let text = error.to_string();
    let status = text.split_once("status code: ").and_then(|(_, rest)| rest.get(..3)?.parse().ok());
    let status = status.or_else(|| text.contains("without LOCATION").then_some(301));
    Answer { status, code: find_element(&text, "Code"), message: find_element(&text, "Message") }
}

fn find_element(text: &str, name: &str) -> Option<String> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    let (content, _) = rest.split_once(&format!("</{name}>"))?;
    Some(content.trim().to_owned())
}

impl Answer {
    fn cause(&self) -> Option<Cause> {
        let message = self.message.as_deref().unwrap_or_default();
        let by_code = match self.code.as_deref().unwrap_or_default() {
            "AccessDenied"
            | "AuthorizationPermissionMismatch"
            | "AuthorizationFailure"
            | "AllAccessDisabled"
            | "InsufficientAccountPermissions"
            | "MethodNotAllowed" => Some(Cause::Denied),
            "AuthorizationHeaderMalformed" if message.contains("region") => Some(Cause::RegionWrong),
            "PermanentRedirect" | "IllegalLocationConstraintException" => Some(Cause::RegionWrong),
            "RequestTimeTooSkewed" | "RequestExpired" => Some(Cause::ClockOff),
            "AuthenticationFailed" if message.contains("date") => Some(Cause::ClockOff),
            "InvalidAccessKeyId"
            | "SignatureDoesNotMatch"
            | "InvalidToken"
            | "ExpiredToken"
            | "AuthenticationFailed"
            | "InvalidAuthenticationInfo"
            | "NoAuthenticationInformation"
            | "AuthorizationHeaderMalformed" => Some(Cause::CredentialsRefused),
            "NoSuchBucket" | "ContainerNotFound" | "InvalidBucketName" | "InvalidResourceName" => {
                Some(Cause::BucketMissing)
            }
            "NotImplemented" => Some(Cause::ConditionsUnsupported),
            "SlowDown" | "ServerBusy" | "TooManyRequests" => Some(Cause::Throttled),
            _ => None,
        };
        by_code.or(match self.status {
            Some(301 | 307) => Some(Cause::RegionWrong),
            Some(401) => Some(Cause::CredentialsRefused),
            Some(403 | 405) => Some(Cause::Denied),
            Some(429 | 503) => Some(Cause::Throttled),
            Some(501) => Some(Cause::ConditionsUnsupported),
            _ => None,
        })
    }

    fn say(&self, error: &Error) -> String {
        match (&self.code, &self.message, self.status) {
            (Some(code), Some(message), _) => format!("{code}: {message}"),
            (Some(code), None, _) => code.clone(),
            (None, _, Some(status)) => format!("it answers with HTTP status {status}"),
            (None, _, None) => {
                // The innermost error tells the most, and knows no URL.
                let mut innermost: &dyn std::error::Error = error;
                while let Some(source) = innermost.source() {
                    innermost = source;
                }
                innermost.to_string()
            }
        }
    }
}

fn explain_transport(error: &Error) -> Option<Cause> {
    // Whoever asks this machine's cloud for a role finds nobody there where there is no such cloud.
    if error.to_string().contains("169.254.169.254") || error.to_string().contains("metadata") {
        return Some(Cause::CredentialsMissing);
    }
    let mut next = error.source();
    while let Some(source) = next {
        if let Some(transport) = source.downcast_ref::<HttpError>() {
            return Some(match transport.kind() {
                HttpErrorKind::Timeout => Cause::TimedOut,
                HttpErrorKind::Connect | HttpErrorKind::Interrupted | HttpErrorKind::Request => Cause::Unreachable,
                _ => Cause::Unknown,
            });
        }
        next = source.source();
    }
    None
}
