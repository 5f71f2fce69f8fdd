//! What a thief of a session, or a program, must not do.
//!
//! These acts need somebody who proved who they are within the last ten minutes; whoever signs in again has done so.
//! They are refused to API tokens whatever their scope: changing the password or the address of an account, and adding or
//! removing what it signs in with.

use pintle_core::UnixTime;

use crate::{
    Actor, ServiceError,
    actor::Credential,
    error::AccountError::{PersonNeeded, StepUpNeeded},
};

/// How long a proof counts.
const RECENT_SECS: u64 = 10 * 60;

/// Begins every act of the list above.
pub(crate) fn require_recent_authentication(actor: &Actor, now: UnixTime) -> Result<(), ServiceError> {
    match actor.credential {
        Credential::Token { .. } => Err(PersonNeeded.into()),
        Credential::Session { authenticated_at, .. } if now.secs_since(authenticated_at) > RECENT_SECS => {
            Err(StepUpNeeded.into())
        }
        Credential::Session { .. } => Ok(()),
    }
}
