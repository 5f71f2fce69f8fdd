use pintle_api::Finding;

use super::{ErrorKind, Facts, facts};

/// Why the guard let nothing be prepared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GuardError {
    /// Users would be cut off.
    #[error("the guard refuses this release: {}", describe(.findings, *.errors))]
    Refused {
        /// What nobody overrode, errors first, as many as an answer lists.
        findings: Vec<Finding>,
        /// How many errors nobody overrode.
        errors: usize,
    },
    /// What was judged is not what would be signed.
    #[error("the draft was changed, or something released, while the guard looked at the live servers")]
    Outdated,
    /// As many looks of the organization are under way as the server makes side by side.
    #[error("the guard looks at the servers of other releases of this organization right now")]
    Busy,
}

impl GuardError {
    pub(super) fn facts(&self) -> Facts {
        match self {
            Self::Refused { .. } => facts(
                "guard_refused",
                ErrorKind::Conflict,
                "do what the findings advise; an owner or admin may override them, with a reason",
            ),
            Self::Busy => facts("guard_busy", ErrorKind::TooMany, "repeat this in a few seconds"),
            Self::Outdated => facts("guard_outdated", ErrorKind::Conflict, "look at the draft again, and repeat this"),
        }
    }
}

fn describe(findings: &[Finding], errors: usize) -> String {
    let first = findings.first();
    let name = first.map(|finding| finding.code.as_str()).unwrap_or_default();
    let domain =
        first.and_then(|finding| finding.domain.as_ref()).map(|domain| format!(" of {domain}")).unwrap_or_default();
    if errors > 1 { format!("{name}{domain}, and {} more errors", errors - 1) } else { format!("{name}{domain}") }
}
