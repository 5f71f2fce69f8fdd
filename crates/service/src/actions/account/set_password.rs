use pintle_api::SetPasswordRequest;
use pintle_core::UnixTime;
use pintle_store::{MailKind, PasswordRow};

use super::{code::end_codes, request_mail::queue_mail};
use crate::{
    Actor, AuditAction, Service, ServiceError, address::EmailAddress, audit::Event, password::check_new_password,
    step_up::require_recent_authentication,
};

impl Service {
    /// Gives the actor's account another password; every other session of it ends.
    ///
    /// # Errors
    /// [`AccountError::PersonNeeded`](crate::AccountError::PersonNeeded),
    /// [`AccountError::StepUpNeeded`](crate::AccountError::StepUpNeeded),
    /// [`AccountError::PasswordUnfit`](crate::AccountError::PasswordUnfit), [`ServiceError::Store`].
    pub async fn set_password(
        &self,
        actor: &Actor,
        request: &SetPasswordRequest,
        now: UnixTime,
    ) -> Result<(), ServiceError> {
        require_recent_authentication(actor, now)?;
        let account = &actor.account_id;
        let email = self.store.read().await?.find_email(account).await?;
        let address = email.map(|email| EmailAddress::parse(&email.address)).transpose()?;
        check_new_password(&request.new_password, address.as_ref())?;
        let hash = self.accounts.passwords.hash(&request.new_password).await?;

        let change = self.begin_change(actor, now).await?;
        let kept = actor.session();
        let (account_id, changed_at) = (account.clone(), now.as_secs().into());
        change.save_password(PasswordRow { account_id, hash, changed_at, break_glass_until: None }).await?;
        change.delete_sessions(account, kept).await?;
        end_codes(&change, account).await?;
        if let Some(address) = &address {
            queue_mail(&change, MailKind::PasswordChanged, address, Some(account), now).await?;
        }
        let event = |chain| Event::new(chain, AuditAction::PasswordChanged, "account", account.as_str());
        change.record_of_account(account, event).await?;
        self.commit_with_mail(change).await
    }
}
