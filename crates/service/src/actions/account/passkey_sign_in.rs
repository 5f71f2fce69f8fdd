//! Signing in with a passkey, which is both factors: the device, and what its owner unlocks it with.

use pintle_api::{PasskeySignInRequest, PasskeyStep, SecretText, SignedIn};
use pintle_core::UnixTime;
use pintle_store::{AccountRow, AuditChain};

use super::sign_in::Proof;
use crate::{
    Actor, PasskeyError, RequestContext, Service, ServiceError,
    accounts::Way,
    change::list_account_chains,
    passkey::{Assertion, PasskeyAttempt, Refusal},
};

const PURPOSE_USED: &str = "passkey used";

impl Service {
    /// Begins to sign in with a passkey, whosever it is. Nothing is kept here.
    ///
    /// # Errors
    /// [`SsoError::Required`](crate::SsoError::Required), [`PasskeyError::Unavailable`].
    pub fn begin_passkey_sign_in(&self, now: UnixTime) -> Result<PasskeyStep, ServiceError> {
        self.require_own_sign_in()?;
        let (state, options) = self.relying_party()?.ask()?;
        PasskeyAttempt::make(&state, None, now).send(self.accounts.key()?, options)
    }

    /// Signs in with what an authenticator signed. `former`, a session of the same account, ends with that.
    ///
    /// # Errors
    /// [`SsoError::Required`](crate::SsoError::Required), [`PasskeyError`], [`ServiceError::Store`].
    pub async fn finish_passkey_sign_in(
        &self,
        request: &PasskeySignInRequest,
        former: Option<&Actor>,
        context: &RequestContext,
        now: UnixTime,
    ) -> Result<SignedIn, ServiceError> {
        self.require_own_sign_in()?;
        let attempt = PasskeyAttempt::open(self.accounts.key()?, &request.pending, None, now)?;
        self.use_up_attempt(&request.pending, &attempt, now).await?;
        let assertion = Assertion::parse(&request.credential)?;
        let account = self.use_passkey(&attempt, &assertion, context, now).await?;
        self.begin_session(account, &Proof::by(Way::Passkey), former, context, now).await
    }

    /// Whose passkey signed. It is read and its count saved in one transaction: of two answers with one count one holds.
    async fn use_passkey(
        &self,
        attempt: &PasskeyAttempt,
        assertion: &Assertion,
        context: &RequestContext,
        now: UnixTime,
    ) -> Result<AccountRow, ServiceError> {
        let party = self.relying_party()?;
        let change = self.begin_visitor_change(context, now).await?;
        let Some(passkey) = change.find_passkey_by_credential(&assertion.credential_id()).await? else {
            self.note_refusal(&[AuditChain::installation()], "unknown", "unknown passkey", context);
            return Err(PasskeyError::Refused.into());
        };
        match party.verify(attempt, assertion, &passkey)? {
            Ok((sign_count, backup)) => {
                change.save_passkey_use(&passkey.id, sign_count, backup, now.as_secs()).await?;
                let account = change.find_account(&passkey.account_id).await?.ok_or(PasskeyError::Refused)?;
                change.commit_recorded().await?;
                Ok(account)
            }
            Err(refusal) => {
                let reason = match refusal {
                    Refusal::CountWentBack => "count of a passkey went back",
                    Refusal::Unproven => "wrong passkey",
                };
                let chains = list_account_chains(&change, &passkey.account_id).await?;
                self.note_refusal(&chains, passkey.account_id.as_str(), reason, context);
                Err(PasskeyError::Refused.into())
            }
        }
    }

    pub(super) async fn use_up_attempt(
        &self,
        pending: &SecretText,
        attempt: &PasskeyAttempt,
        now: UnixTime,
    ) -> Result<(), ServiceError> {
        let is_first = self.use_up(pending, PURPOSE_USED, attempt.expires_at, now).await?;
        if is_first { Ok(()) } else { Err(PasskeyError::AttemptInvalid.into()) }
    }
}
