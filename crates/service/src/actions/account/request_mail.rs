use pintle_api::{AddressRequest, Delivery, MailedResponse};
use pintle_core::UnixTime;
use pintle_store::{AccountId, InvitationId, MailId, MailKind, MailRow, WriteTx};

use crate::{
    RequestContext, Service, ServiceError, SignUp, SsoError, address::EmailAddress, change::Change, error::AccountError,
};

/// A second mail of the same kind is sent to an address after this time at the earliest, whoever asks.
const PAUSE_SECS: u64 = 10 * 60;
const DAY_SECS: u64 = 24 * 3600;
/// More waiting mails than this mean that something is wrong: with the mail server, or with who asks.
const MAX_WAITING: u64 = 10_000;

impl Service {
    /// Has a code sent that makes an account. Nothing here looks whether there is one, or an invitation: who asks cannot
    /// learn it.
    ///
    /// # Errors
    /// [`SsoError::Required`], [`AccountError::SignUpClosed`], [`AccountError::AddressInvalid`], [`AccountError::Busy`], [`ServiceError::Store`].
    pub async fn request_sign_up(
        &self,
        request: &AddressRequest,
        context: &RequestContext,
        now: UnixTime,
    ) -> Result<MailedResponse, ServiceError> {
        self.require_own_sign_in()?;
        match self.accounts.settings.sign_up {
            SignUp::Open | SignUp::Invited => self.request_mail(MailKind::SignUp, request, context, now).await,
            SignUp::Closed => Err(AccountError::SignUpClosed.into()),
        }
    }

    /// Has a code sent that sets a new password. Nothing here looks whether there is such an account.
    ///
    /// # Errors
    /// [`SsoError::Required`], [`AccountError::AddressInvalid`], [`AccountError::Busy`], [`ServiceError::Store`].
    pub async fn request_reset(
        &self,
        request: &AddressRequest,
        context: &RequestContext,
        now: UnixTime,
    ) -> Result<MailedResponse, ServiceError> {
        self.require_own_sign_in()?;
        self.request_mail(MailKind::ResetPassword, request, context, now).await
    }

    /// Where single sign-on is required, nothing of our own signs in, and nobody is sent the way to it.
    pub(super) fn require_own_sign_in(&self) -> Result<(), SsoError> {
        if self.accounts.settings.require_sso { Err(SsoError::Required) } else { Ok(()) }
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
        self.send_to_claimed(change, kind, &address, None, now).await
    }

    /// Has a mail sent to an address that nobody has shown to be theirs, unless it got such a one a short while ago.
    pub(super) async fn send_to_claimed(
        &self,
        change: Change,
        kind: MailKind,
        to: &EmailAddress,
        account: Option<&AccountId>,
        now: UnixTime,
    ) -> Result<MailedResponse, ServiceError> {
        if change.count_waiting_mails().await? >= MAX_WAITING {
            return Err(AccountError::Busy.into());
        }
        let since_secs = now.as_secs().saturating_sub(PAUSE_SECS);
        if change.count_mails_since(kind, to.key(), since_secs).await? == 0 {
            queue_mail(&change, kind, to, account, now).await?;
        }
        self.commit_with_mail(change).await?;
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

/// Adds the mail of an invitation to the outbox. To one address they go ten minutes apart, whoever invites: nobody fills a
/// mailbox by inviting from many organizations, and nobody learns that others invite, too.
pub(in crate::actions) async fn queue_invitation(
    tx: &WriteTx,
    to: &EmailAddress,
    invitation: &InvitationId,
    now: UnixTime,
) -> Result<(), ServiceError> {
    let kind = MailKind::Invitation;
    let since_secs = now.as_secs().saturating_sub(DAY_SECS);
    let earlier = tx.count_mails_since(kind, to.key(), since_secs).await?;
    let run_at = now.saturating_add_secs(earlier.saturating_mul(PAUSE_SECS)).as_secs();
    let mail = MailRow { invitation_id: Some(invitation.clone()), run_at: Some(run_at.into()), ..write(kind, to, now) };
    Ok(tx.insert_mail(mail).await?)
}

/// Adds a mail to the outbox, in the transaction of what it tells of.
pub(super) async fn queue_mail(
    tx: &WriteTx,
    kind: MailKind,
    to: &EmailAddress,
    account: Option<&AccountId>,
    now: UnixTime,
) -> Result<(), ServiceError> {
    Ok(tx.insert_mail(MailRow { account_id: account.cloned(), ..write(kind, to, now) }).await?)
}

fn write(kind: MailKind, to: &EmailAddress, now: UnixTime) -> MailRow {
    MailRow {
        id: MailId::make(now.as_secs()),
        kind,
        address: to.as_str().to_owned(),
        address_key: to.key().to_owned(),
        account_id: None,
        invitation_id: None,
        attempts: 0.into(),
        run_at: Some(now.as_secs().into()),
        lease: None,
        created_at: now.as_secs().into(),
    }
}
