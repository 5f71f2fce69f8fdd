//! What is told about those who know what CT logs hold.

use pintle_discover::{CtError, WebError};

use crate::ExitStatus;

/// Stable code.
pub(super) fn code(error: &CtError) -> &'static str {
    match error {
        CtError::Web(WebError::Busy { .. }) => "ct_source_busy",
        CtError::Web(WebError::Transport { .. }) => "ct_source_unreachable",
        CtError::Contradiction { .. } => "ct_log_contradicts",
        _ => "ct_source_failed",
    }
}

/// What to do about it.
pub(super) fn hint(error: &CtError) -> &'static str {
    match error {
        CtError::Web(WebError::Busy { .. }) => {
            "try again then, or ask another with `--ct-source`; `--from-host` asks the server itself"
        }
        CtError::Web(WebError::Status { status: 401 | 403, .. }) => "give the source's token in PINTLE_CT_TOKEN",
        CtError::Contradiction { .. } => {
            "keep what it says, and tell the log's operator and the browsers: a log that lies is a security event"
        }
        _ => "try again later, or ask another with `--ct-source` or `--ct-url`; `--from-host` asks the server itself",
    }
}

/// A log that lies is refused; one that is silent may answer later.
pub(super) fn exit_status(error: &CtError) -> ExitStatus {
    match error {
        CtError::Contradiction { .. } => ExitStatus::Refused,
        _ => ExitStatus::Unavailable,
    }
}
