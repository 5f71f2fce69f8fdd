//! What a thief of a session, or a program, must not do.
//!
//! These acts need somebody who proved who they are within the last ten minutes; whoever signs in again has done so.
//! They are refused to API tokens whatever their scope: changing the password or the address of an account, adding or
//! removing what it signs in with, and deleting it.
//!
//! A second list asks the same of a session, and lets an API token with the right scope pass, which its owner made for
//! such work: creating tokens, which outlive any session; deleting a project or an organization; making or inviting
//! an owner; requiring single sign-on or no longer; doing away with the second person of a project's releases; withdrawing
//! a project, which cuts all of its apps off.

use pintle_core::UnixTime;

use crate::{
    Actor, ServiceError,
    accounts::Shortfall,
    actor::Credential,
    error::AccountError::{PersonNeeded, StepUpNeeded},
};

/// How long a proof counts.
const RECENT_SECS: u64 = 10 * 60;

/// Begins every act of the first list. It needs all that the operator asks of a sign-in.
pub(crate) fn require_recent_authentication(actor: &Actor, now: UnixTime) -> Result<(), ServiceError> {
    match actor.credential {
        Credential::Session { shortfall: Some(shortfall), .. } => Err(shortfall.into()),
        _ => require_recent_authentication_to_enroll(actor, now),
    }
}

/// Begins the acts of the first list by which an account gets its second factor: the only ones for which a password alone is
/// enough where more is required; as long as the account has none (`require_enrolment`).
pub(crate) fn require_recent_authentication_to_enroll(actor: &Actor, now: UnixTime) -> Result<(), ServiceError> {
    match actor.credential {
        Credential::Token { .. } => Err(PersonNeeded.into()),
        Credential::Session { shortfall: Some(Shortfall::Sso), .. } => Err(Shortfall::Sso.into()),
        Credential::Session { authenticated_at, .. } if now.secs_since(authenticated_at) > RECENT_SECS => {
            Err(StepUpNeeded.into())
        }
        Credential::Session { .. } => Ok(()),
    }
}

/// Begins every act of the second list.
pub(crate) fn require_fresh_session(actor: &Actor, now: UnixTime) -> Result<(), ServiceError> {
    match actor.credential {
        Credential::Token { .. } => Ok(()),
        Credential::Session { .. } => require_recent_authentication(actor, now),
    }
}
