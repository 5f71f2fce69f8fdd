//! What is told about servers that could not be looked at.

use pintle_discover::{ProbeFailure, SightError};

/// Stable code.
pub(super) fn code(cause: &ProbeFailure) -> &'static str {
    match cause {
        ProbeFailure::Sight(SightError::TimedOut(_)) => "site_timed_out",
        ProbeFailure::Name(_) | ProbeFailure::Sight(SightError::Connect(_)) => "site_unreachable",
        ProbeFailure::Sight(SightError::Proxy(_)) => "proxy_refused",
        _ => "site_not_tls",
    }
}

/// What to do about it.
pub(super) fn hint(cause: &ProbeFailure) -> &'static str {
    match cause {
        ProbeFailure::Name(_) | ProbeFailure::Sight(SightError::Connect(_) | SightError::TimedOut(_)) => {
            "check the host, the port and the network; `pintle pins add --from-file` needs neither"
        }
        ProbeFailure::Sight(SightError::Proxy(_)) => {
            "check `--proxy`: its host and port, and USER:PASSWORD@ if it asks for them"
        }
        ProbeFailure::Sight(SightError::StartTls(_)) => "check the port, and that `--starttls` names its protocol",
        _ => "check the port: TLS 1.2 or 1.3 is needed there",
    }
}
