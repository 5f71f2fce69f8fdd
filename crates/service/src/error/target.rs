use crate::error::{ErrorKind, Facts, facts};

/// Why a project does not publish somewhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// The operator has no such destination, or does not offer it to this organization.
    #[error("no destination `{name}` is offered to this organization")]
    NotOffered {
        /// The name.
        name: String,
    },
    /// More would make every release slow.
    #[error("a project has at most {limit} targets")]
    TooMany {
        /// How many.
        limit: usize,
    },
}

impl TargetError {
    pub(super) fn facts(&self) -> Facts {
        match self {
            Self::NotOffered { .. } => facts(
                "destination_not_offered",
                ErrorKind::Unprocessable,
                "list the destinations; whoever runs this server can add one to its configuration",
            ),
            Self::TooMany { .. } => {
                facts("targets_too_many", ErrorKind::Conflict, "remove a target that is no longer needed")
            }
        }
    }
}
