use pintle_core::UnixTime;
use pintle_store::{AccountId, MailKind};

use super::{code::end_codes, request_mail::queue_mail};
use crate::{AuditAction, Service, ServiceError, address::EmailAddress, audit::Event, change::Change};

/// What somebody lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LostFactors {
    /// The authenticator, with its recovery codes.
    Authenticator,
    /// That, and every device with a passkey.
    AuthenticatorAndPasskeys,
}

impl Service {
    /// Takes away, for the operator, what somebody lost; `who` is an address or `acc_…`. Every session and code ends: whoever
    /// found it may have one.
    ///
    /// # Errors
    /// [`AccountError::AddressInvalid`](crate::AccountError::AddressInvalid), [`ServiceError::NotFound`],
    /// [`ServiceError::Store`].
    pub async fn remove_lost_factors(&self, who: &str, lost: LostFactors, now: UnixTime) -> Result<(), ServiceError> {
        let change = self.begin_system_change(now).await?;
        let account = &find_account(&change, who).await?;
        let had_totp = change.find_totp(account).await?.is_some_and(|row| row.confirmed_at.is_some());
        let passkeys = match lost {
            LostFactors::Authenticator => Vec::new(),
            LostFactors::AuthenticatorAndPasskeys => change.list_passkeys(account).await?,
        };
        if !had_totp && passkeys.is_empty() {
            return Err(ServiceError::NotFound { what: "second factor" });
        }
        if had_totp {
            change.delete_totp(account).await?;
            let event = |chain| Event::new(chain, AuditAction::SecondFactorRemoved, "account", account.as_str());
            change.record_of_account(account, event).await?;
        }
        for passkey in passkeys {
            change.delete_passkey(account, &passkey.id).await?;
            let event = |chain| Event::new(chain, AuditAction::PasskeyRemoved, "passkey", passkey.id.as_str());
            change.record_of_account(account, event).await?;
        }
        change.delete_sessions(account, None).await?;
        end_codes(&change, account).await?;
        if let Some(email) = change.find_email(account).await? {
            let address = EmailAddress::parse(&email.address)?;
            let kind = if had_totp { MailKind::SecondFactorChanged } else { MailKind::PasskeyChanged };
            queue_mail(&change, kind, &address, Some(account), now).await?;
        }
        self.commit_with_mail(change).await
    }
}

async fn find_account(change: &Change, who: &str) -> Result<AccountId, ServiceError> {
    let found = match AccountId::parse(who) {
        Ok(id) => change.find_account(&id).await?,
        Err(_) => change.find_account_by_email(EmailAddress::parse(who)?.key()).await?.map(|(account, _)| account),
    };
    Ok(found.ok_or(ServiceError::NotFound { what: "account" })?.id)
}
