use crate::error::{ErrorKind, Facts, facts};

/// Why a release did not go on its way.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReleaseError {
    /// There is nothing to approve.
    #[error("release {version} does not wait for an approval")]
    NotAwaitingApproval {
        /// Its number.
        version: u64,
    },
    /// Who submitted it cannot be the second person.
    #[error("you submitted release {version} yourself; it takes another person to approve it")]
    SamePerson {
        /// Its number.
        version: u64,
    },
    /// What is to be approved is not what was looked at.
    #[error("release {version} has other claims than those you approve")]
    ApprovedOther {
        /// Its number.
        version: u64,
    },
    /// It is on its way, or ended already.
    #[error("release {version} no longer waits: nothing can take it back")]
    NotPending {
        /// Its number.
        version: u64,
    },
    /// A point in time at which it cannot be published.
    #[error("the time to publish must lie in the future, and before the release expires")]
    PublishAtInvalid,
    /// The withdrawal of a release says nothing that could be published again.
    #[error("release {version} is a withdrawal: there is nothing in it to go back to")]
    IsWithdrawal {
        /// Its number.
        version: u64,
    },
    /// The server has something else under this number.
    #[error("another release has the number {version} here, or this one was taken back")]
    NumberTaken {
        /// Its number.
        version: u64,
    },
    /// Nothing was released that could be withdrawn.
    #[error("nothing was released yet")]
    NothingReleased,
}

impl ReleaseError {
    pub(super) fn facts(&self) -> Facts {
        use ErrorKind::{Conflict, Forbidden, Unprocessable};
        match self {
            Self::NotAwaitingApproval { .. } => {
                facts("release_not_awaiting_approval", Conflict, "look at its state; somebody else may have been first")
            }
            Self::SamePerson { .. } => {
                facts("approval_needs_another_person", Forbidden, "ask another member who may approve releases")
            }
            Self::ApprovedOther { .. } => facts("claims_altered", Conflict, "look at the release again"),
            Self::NotPending { .. } => {
                facts("release_not_pending", Conflict, "release an earlier one again instead: roll back")
            }
            Self::PublishAtInvalid => {
                facts("publish_at_invalid", Unprocessable, "choose another time, or leave it out to publish at once")
            }
            Self::IsWithdrawal { .. } => {
                facts("release_is_withdrawal", Conflict, "choose a release before it, or withdraw again")
            }
            Self::NumberTaken { .. } => facts(
                "release_number_taken",
                Conflict,
                "find out who signed it and why; then release what shall hold, under a higher number",
            ),
            Self::NothingReleased => {
                facts("nothing_released", Conflict, "apps know no configuration; there is nothing to take back")
            }
        }
    }
}
