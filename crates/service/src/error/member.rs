use super::{ErrorKind, Facts, ServiceError, facts};

/// Why the members of an organization stay as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MemberError {
    /// Nobody could manage the organization any longer.
    #[error("an organization keeps at least one owner, and this is the last one")]
    LastOwner,
    /// The account belongs to the organization already.
    #[error("the account is a member of this organization already")]
    AlreadyMember,
    /// No such invitation, or no longer.
    #[error("the invitation is unknown, revoked, used or expired")]
    InvitationInvalid,
    /// As many invitations wait as are allowed.
    #[error("{limit} invitations are waiting for their answer, and no more are allowed")]
    TooManyInvitations {
        /// How many.
        limit: u64,
    },
}

impl From<MemberError> for ServiceError {
    fn from(error: MemberError) -> Self {
        Self::Member(error)
    }
}

impl MemberError {
    pub(super) fn facts(self) -> Facts {
        use ErrorKind::{Conflict, Unprocessable};
        match self {
            Self::LastOwner => {
                facts("last_owner", Conflict, "make somebody else an owner first, or delete the organization")
            }
            Self::AlreadyMember => {
                facts("already_member", Conflict, "nothing is left to do; an owner or admin can change the role")
            }
            Self::InvitationInvalid => facts("invitation_invalid", Unprocessable, "ask for a new invitation"),
            Self::TooManyInvitations { .. } => {
                facts("too_many_invitations", Conflict, "revoke invitations that nobody will answer")
            }
        }
    }
}
