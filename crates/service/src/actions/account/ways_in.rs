//! What an account signs in with, counted: so that the last way in stays, and nobody adds a second factor beside one that was
//! not shown.

use pintle_core::UnixTime;
use pintle_store::{AccountId, IdentityRow, ReadTx};

use crate::{
    Actor, Service, ServiceError, actor::Credential, error::AccountError,
    step_up::require_recent_authentication_to_enroll,
};

impl Service {
    /// Whether somebody can sign in to the account without `removed`, the id of an identity or a passkey.
    pub(super) async fn has_way_in_without(
        &self,
        tx: &ReadTx,
        account: &AccountId,
        removed: &str,
    ) -> Result<bool, ServiceError> {
        let identities = tx.list_identities(account).await?;
        if identities.iter().any(|other| other.id.as_str() != removed && self.can_sign_in(other)) {
            return Ok(true);
        }
        if self.accounts.settings.require_sso {
            return Ok(false);
        }
        let passkeys = tx.list_passkeys(account).await?;
        let has_passkey = passkeys.iter().any(|other| other.id.as_str() != removed);
        Ok(has_passkey || tx.find_password(account).await?.is_some())
    }

    /// Whether its provider is one that the operator trusts today.
    fn can_sign_in(&self, identity: &IdentityRow) -> bool {
        self.accounts.providers.iter().any(|provider| provider.issuer == identity.issuer)
    }
}

/// Begins the acts by which an account gets a second factor. A session that was begun with a password alone where more is
/// required may do them as long as the account has none: a thief of the password must not add one beside it.
pub(super) async fn require_enrolment(tx: &ReadTx, actor: &Actor, now: UnixTime) -> Result<(), ServiceError> {
    require_recent_authentication_to_enroll(actor, now)?;
    let lacks_factor = matches!(actor.credential, Credential::Session { shortfall: Some(_), .. });
    if lacks_factor && has_second_factor(tx, &actor.account_id).await? {
        return Err(AccountError::SecondFactorRequired.into());
    }
    Ok(())
}

async fn has_second_factor(tx: &ReadTx, account: &AccountId) -> Result<bool, ServiceError> {
    let has_totp = tx.find_totp(account).await?.is_some_and(|row| row.confirmed_at.is_some());
    Ok(has_totp || tx.count_passkeys(account).await? > 0)
}
