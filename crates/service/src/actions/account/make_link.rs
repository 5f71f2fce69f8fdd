use pintle_api::OneTimeSecret;
use pintle_core::UnixTime;
use pintle_store::{AccountId, AuditChain};

use super::code::{CODE_SECS, Code};
use crate::{AuditAction, Service, ServiceError, address::EmailAddress, audit::Event, error::AccountError};

impl Service {
    /// Makes a code for an address, for the operator to hand over: it sets a new password for the account with that
    /// address, or makes an account where there is none. With `account` it gives that account the address and a password.
    ///
    /// # Errors
    /// [`AccountError::AddressInvalid`], [`AccountError::AddressTaken`], [`ServiceError::NotFound`],
    /// [`ServiceError::Store`].
    pub async fn make_link(
        &self,
        email: &str,
        account: Option<&str>,
        now: UnixTime,
    ) -> Result<OneTimeSecret, ServiceError> {
        let address = EmailAddress::parse(email)?;
        let email = address.as_str().to_owned();
        let change = self.begin_system_change(now).await?;
        let found = change.find_account_by_email(address.key()).await?.map(|(account, _)| account.id);
        let account = match (account, found) {
            (None, found) => found,
            (Some(wanted), found) => {
                let missing = || ServiceError::NotFound { what: "account" };
                let wanted = AccountId::parse(wanted).map_err(|_| missing())?;
                let wanted = change.find_account(&wanted).await?.ok_or_else(missing)?.id;
                if found.is_some_and(|found| found != wanted) {
                    return Err(AccountError::AddressTaken.into());
                }
                Some(wanted)
            }
        };
        let code = if account.is_some() { Code::SetPassword { email } } else { Code::SignUp { email } };
        let secret = code.make(&change, account.as_ref(), now.as_secs() + CODE_SECS).await?;
        let target = account.as_ref().map_or("", AccountId::as_str);
        let event = Event::new(AuditChain::installation(), AuditAction::CodeMade, "account", target);
        change.commit(event.personal("email", account.as_ref(), address.as_str())).await?;
        Ok(secret)
    }
}
