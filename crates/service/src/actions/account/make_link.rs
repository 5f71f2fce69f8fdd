use pintle_api::OneTimeSecret;
use pintle_core::UnixTime;
use pintle_store::{AccountId, AuditChain};
use serde_json::json;

use super::code::{CODE_SECS, Code};
use crate::{AuditAction, Service, ServiceError, address::EmailAddress, audit::Event, error::AccountError};

/// What a code of the operator is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkKind<'a> {
    /// A new password for the account with the address, or an account where there is none.
    Address,
    /// The address and a password for this account (`acc_…`).
    Account(&'a str),
    /// A new password for the account with the address, which for a day signs in although single sign-on is required.
    BreakGlass,
}

impl Service {
    /// Makes a code for an address, for the operator to hand over.
    ///
    /// # Errors
    /// [`AccountError::AddressInvalid`], [`AccountError::AddressTaken`], [`ServiceError::NotFound`],
    /// [`ServiceError::Store`].
    pub async fn make_link(
        &self,
        email: &str,
        kind: LinkKind<'_>,
        now: UnixTime,
    ) -> Result<OneTimeSecret, ServiceError> {
        let address = EmailAddress::parse(email)?;
        let email = address.as_str().to_owned();
        let missing = || ServiceError::NotFound { what: "account" };
        let change = self.begin_system_change(now).await?;
        let found = change.find_account_by_email(address.key()).await?.map(|(account, _)| account.id);
        let breaks_glass = kind == LinkKind::BreakGlass;
        let account = match kind {
            LinkKind::Address => found,
            LinkKind::BreakGlass => Some(found.ok_or_else(missing)?),
            LinkKind::Account(wanted) => {
                let wanted = AccountId::parse(wanted).map_err(|_| missing())?;
                let wanted = change.find_account(&wanted).await?.ok_or_else(missing)?.id;
                if found.is_some_and(|found| found != wanted) {
                    return Err(AccountError::AddressTaken.into());
                }
                Some(wanted)
            }
        };
        let code = match &account {
            Some(_) => Code::SetPassword { email, breaks_glass },
            None => Code::SignUp { email },
        };
        let secret = code.make(&change, account.as_ref(), now.as_secs() + CODE_SECS).await?;
        let target = account.as_ref().map_or("", AccountId::as_str);
        let event = Event::new(AuditChain::installation(), AuditAction::CodeMade, "account", target)
            .after(json!({ "breaks_glass": breaks_glass }));
        change.commit(event.personal("email", account.as_ref(), address.as_str())).await?;
        Ok(secret)
    }
}
