//! The passkeys of an account: added, renamed, removed.

use pintle_api::{AddPasskeyRequest, PasskeyResponse, PasskeyStep, PasskeysResponse, RenamePasskeyRequest, Scope};
use pintle_core::UnixTime;
use pintle_store::{MailKind, PasskeyBackup, PasskeyId, PasskeyRow, StoreError};

use super::{request_mail::queue_mail, ways_in::require_enrolment};
use crate::{
    Actor, AuditAction, PasskeyError, Service, ServiceError, SsoError,
    access::require_own_account,
    address::EmailAddress,
    audit::Event,
    change::Change,
    input::check_label,
    passkey::{PasskeyAttempt, RelyingParty},
    step_up::require_recent_authentication,
};

impl Service {
    /// The passkeys of the actor's account.
    ///
    /// # Errors
    /// [`ServiceError::Store`], and of a token those of access.
    pub async fn list_passkeys(&self, actor: &Actor) -> Result<PasskeysResponse, ServiceError> {
        require_own_account(actor, Scope::Read)?;
        let rows = self.store.read().await?.list_passkeys(&actor.account_id).await?;
        Ok(PasskeysResponse { passkeys: rows.iter().map(describe).collect() })
    }

    /// Begins to add a passkey to the actor's account, in the actor's session.
    ///
    /// # Errors
    /// [`AccountError::PersonNeeded`](crate::AccountError::PersonNeeded),
    /// [`AccountError::StepUpNeeded`](crate::AccountError::StepUpNeeded),
    /// [`AccountError::SecondFactorRequired`](crate::AccountError::SecondFactorRequired), [`PasskeyError`],
    /// [`ServiceError::Store`].
    pub async fn begin_passkey(&self, actor: &Actor, now: UnixTime) -> Result<PasskeyStep, ServiceError> {
        let tx = self.store.read().await?;
        require_enrolment(&tx, actor, now).await?;
        let party = self.relying_party()?;
        let existing = tx.list_passkeys(&actor.account_id).await?;
        check_room(existing.len())?;
        let email = tx.find_email(&actor.account_id).await?.map(|row| row.address);
        let owner = (&actor.account_id, actor.account_name.as_str(), email.as_deref());
        let (state, options) = party.ask_for_new(owner, &existing)?;
        PasskeyAttempt::make(&state, actor.session(), now).send(self.accounts.key()?, options)
    }

    /// Adds the passkey that an authenticator made.
    ///
    /// # Errors
    /// Those of [`begin_passkey`](Self::begin_passkey), and [`ServiceError::ValueInvalid`].
    pub async fn finish_passkey(
        &self,
        actor: &Actor,
        request: &AddPasskeyRequest,
        now: UnixTime,
    ) -> Result<PasskeyResponse, ServiceError> {
        require_enrolment(&self.store.read().await?, actor, now).await?;
        let party = self.relying_party()?;
        check_label("name", &request.name)?;
        let attempt = PasskeyAttempt::open(self.accounts.key()?, &request.pending, actor.session(), now)?;
        self.use_up_attempt(&request.pending, &attempt, now).await?;
        let account = &actor.account_id;
        let row = party.verify_new(&attempt, &request.credential, (account, &request.name), now)?;

        let change = self.begin_change(actor, now).await?;
        // Once more: two at once must not both be the first.
        require_enrolment(&change, actor, now).await?;
        check_room(change.list_passkeys(account).await?.len())?;
        match change.insert_passkey(row.clone()).await {
            Err(StoreError::AlreadyExists) => return Err(PasskeyError::Taken.into()),
            inserted => inserted?,
        }
        self.finish_passkey_change(change, actor, AuditAction::PasskeyAdded, &row.id, now).await?;
        Ok(describe(&row))
    }

    /// Gives a passkey of the actor another name.
    ///
    /// # Errors
    /// [`AccountError::PersonNeeded`](crate::AccountError::PersonNeeded),
    /// [`AccountError::StepUpNeeded`](crate::AccountError::StepUpNeeded), [`ServiceError::NotFound`],
    /// [`ServiceError::ValueInvalid`], [`ServiceError::Store`].
    pub async fn rename_passkey(
        &self,
        actor: &Actor,
        passkey: &str,
        request: &RenamePasskeyRequest,
        now: UnixTime,
    ) -> Result<PasskeyResponse, ServiceError> {
        require_recent_authentication(actor, now)?;
        check_label("name", &request.name)?;
        let change = self.begin_change(actor, now).await?;
        let row = find_passkey(&change, actor, passkey).await?;
        change.save_passkey_name(&actor.account_id, &row.id, &request.name).await?;
        let event = |chain| Event::new(chain, AuditAction::PasskeyRenamed, "passkey", row.id.as_str());
        change.record_of_account(&actor.account_id, event).await?;
        change.commit_recorded().await?;
        Ok(describe(&PasskeyRow { name: request.name.clone(), ..row }))
    }

    /// Removes a passkey of the actor: never the last way to sign in.
    ///
    /// # Errors
    /// [`AccountError::PersonNeeded`](crate::AccountError::PersonNeeded),
    /// [`AccountError::StepUpNeeded`](crate::AccountError::StepUpNeeded), [`SsoError::LastWayIn`],
    /// [`ServiceError::NotFound`], [`ServiceError::Store`].
    pub async fn remove_passkey(&self, actor: &Actor, passkey: &str, now: UnixTime) -> Result<(), ServiceError> {
        require_recent_authentication(actor, now)?;
        let change = self.begin_change(actor, now).await?;
        let row = find_passkey(&change, actor, passkey).await?;
        if !self.has_way_in_without(&change, &actor.account_id, row.id.as_str()).await? {
            return Err(SsoError::LastWayIn.into());
        }
        change.delete_passkey(&actor.account_id, &row.id).await?;
        self.finish_passkey_change(change, actor, AuditAction::PasskeyRemoved, &row.id, now).await
    }

    pub(super) fn relying_party(&self) -> Result<RelyingParty, PasskeyError> {
        RelyingParty::parse(&self.accounts.settings.public_url).ok_or(PasskeyError::Unavailable)
    }

    /// Records the change in the audit log and tells the owner by mail.
    async fn finish_passkey_change(
        &self,
        change: Change,
        actor: &Actor,
        action: AuditAction,
        passkey: &PasskeyId,
        now: UnixTime,
    ) -> Result<(), ServiceError> {
        let account = &actor.account_id;
        if let Some(email) = change.find_email(account).await? {
            let address = EmailAddress::parse(&email.address)?;
            queue_mail(&change, MailKind::PasskeyChanged, &address, Some(account), now).await?;
        }
        change.record_of_account(account, |chain| Event::new(chain, action, "passkey", passkey.as_str())).await?;
        self.commit_with_mail(change).await
    }
}

async fn find_passkey(change: &Change, actor: &Actor, passkey: &str) -> Result<PasskeyRow, ServiceError> {
    let all = change.list_passkeys(&actor.account_id).await?;
    all.into_iter().find(|row| row.id.as_str() == passkey).ok_or(ServiceError::NotFound { what: "passkey" })
}

fn check_room(existing: usize) -> Result<(), PasskeyError> {
    if existing < PasskeyError::MAX { Ok(()) } else { Err(PasskeyError::TooMany) }
}

fn describe(row: &PasskeyRow) -> PasskeyResponse {
    PasskeyResponse {
        id: row.id.to_string(),
        name: row.name.clone(),
        is_backed_up: row.backup == PasskeyBackup::Exists,
        created_at: row.created_at.value(),
        last_used_at: row.last_used_at.map(|at| at.value()),
    }
}
