use pintle_api::{AddressRequest, Delivery, MailedResponse};
use pintle_core::UnixTime;
use pintle_store::{AccountId, MailId, MailKind, MailRow, WriteTx};

use crate::{
    RequestContext, Service, ServiceError, SignUp, address::EmailAddress, change::Change, error::AccountError,
};

/// A second mail of the same kind is sent to an address after this time at the earliest, whoever asks.
const PAUSE_SECS: u64 = 10 * 60;
/// More waiting mails than this mean that something is wrong: with the mail server, or with who asks.
const MAX_WAITING: u64 = 10_000;

impl Service {
    /// Has a code sent that makes an account. Nothing here looks whether there is one: who asks cannot learn it.
    ///
    /// # Errors
    /// [`AccountError::SignUpClosed`], [`AccountError::AddressInvalid`], [`AccountError::Busy`], [`ServiceError::Store`].
    pub async fn request_sign_up(
        &self,
        request: &AddressRequest,
        context: &RequestContext,
        now: UnixTime,
    ) -> Result<MailedResponse, ServiceError> {
        match self.accounts.settings.sign_up {
            SignUp::Open => self.request_mail(MailKind::SignUp, request, context, now).await,
            SignUp::Closed => Err(AccountError::SignUpClosed.into()),
        }
    }

    /// Has a code sent that sets a new password. Nothing here looks whether there is such an account.
    ///
    /// # Errors
    /// [`AccountError::AddressInvalid`], [`AccountError::Busy`], [`ServiceError::Store`].
    pub async fn request_reset(
        &self,
        request: &AddressRequest,
        context: &RequestContext,
        now: UnixTime,
    ) -> Result<MailedResponse, ServiceError> {
        self.request_mail(MailKind::ResetPassword, request, context, now).await
    }

    async fn request_mail(
        &self,
        kind: MailKind,
        request: &AddressRequest,
        context: &RequestContext,
        now: UnixTime,
    ) -> Result<MailedResponse, ServiceError> {
        let address = EmailAddress::parse(&request.email)?;
        let change = self.begin_visitor_change(context, now).await?;
        let since_secs = now.as_secs().saturating_sub(PAUSE_SECS);
        if change.count_waiting_mails().await? >= MAX_WAITING {
            return Err(AccountError::Busy.into());
        }
        if !change.has_mail_since(kind, address.key(), since_secs).await? {
            queue_mail(&change, kind, &address, None, now).await?;
            self.commit_with_mail(change).await?;
        }
        Ok(self.tell_delivery())
    }

    pub(super) fn tell_delivery(&self) -> MailedResponse {
        let delivery = if self.accounts.mailer.is_some() { Delivery::Mail } else { Delivery::Operator };
        MailedResponse { delivery }
    }

    /// Makes a change happen whose events are recorded, and has its mail sent.
    pub(super) async fn commit_with_mail(&self, change: Change) -> Result<(), ServiceError> {
        change.commit_recorded().await?;
        self.accounts.mails.notify_one();
        Ok(())
    }
}

/// Adds a mail to the outbox, in the transaction of what it tells of.
pub(super) async fn queue_mail(
    tx: &WriteTx,
    kind: MailKind,
    to: &EmailAddress,
    account: Option<&AccountId>,
    now: UnixTime,
) -> Result<(), ServiceError> {
    let mail = MailRow {
        id: MailId::make(now.as_secs()),
        kind,
        address: to.as_str().to_owned(),
        address_key: to.key().to_owned(),
        account_id: account.cloned(),
        attempts: 0.into(),
        run_at: Some(now.as_secs().into()),
        lease: None,
        created_at: now.as_secs().into(),
    };
    Ok(tx.insert_mail(mail).await?)
}
