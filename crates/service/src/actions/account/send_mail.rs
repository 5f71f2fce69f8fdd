use pintle_api::InvitationCode;
use pintle_core::UnixTime;
use pintle_store::{InvitationId, MailKind, MailRow, WriteTx};

use super::code::{CODE_SECS, Code, RESET_SECS};
use crate::{
    OutgoingMail, Progress, Service, ServiceError, SignUp,
    actions::accept_invitation::{is_good, is_invited},
    address::EmailAddress,
    hex::write_hex,
    mail::{Mailer, Template},
    random::make_random,
};

/// Longer than handing over a mail takes.
const LEASE_SECS: u64 = 120;
/// After so many attempts, about a day, a mail is given up.
pub(super) const MAX_ATTEMPTS: u64 = 12;
/// How long sent mails are remembered.
const KEEP_SECS: u64 = 24 * 3600;

impl Service {
    /// Sends the mail that is due longest. The code in it is made now; of those it replaces none is taken back.
    ///
    /// # Errors
    /// [`ServiceError::Store`], [`ServiceError::Internal`].
    pub async fn send_next_mail(&self, now: UnixTime) -> Result<Progress, ServiceError> {
        let Some(mail) = self.lease_mail(now).await? else {
            let next = self.store.read().await?.find_next_mail_time().await?;
            return Ok(Progress::Idle { next_at: next.map(UnixTime::from_secs) });
        };
        let is_about_alerts = matches!(mail.kind, MailKind::Alerts | MailKind::Digest);
        let Some(mailer) = self.accounts.mailer.clone() else {
            if is_about_alerts {
                // Nobody waits for a code; alerts are listed, and go to webhooks.
                self.finish_mail(&mail, None, now).await?;
                return Ok(Progress::Done);
            }
            tracing::warn!(mail.id = %mail.id, mail.kind = ?mail.kind,
                "a mail was asked for and none is sent without `smtp.host`; `pintle admin link ADDRESS` makes a code");
            self.finish_mail(&mail, None, now).await?;
            return Ok(Progress::Done);
        };
        if is_about_alerts {
            return self.send_alert_mail(&*mailer, &mail, now).await;
        }
        let Some(outgoing) = self.write_mail(&mail, now).await? else {
            self.finish_mail(&mail, None, now).await?;
            return Ok(Progress::Done);
        };
        self.deliver(&*mailer, &mail, &outgoing, now).await
    }

    async fn lease_mail(&self, now: UnixTime) -> Result<Option<MailRow>, ServiceError> {
        if self.store.read().await?.find_next_mail_time().await?.is_none_or(|at| at > now.as_secs()) {
            return Ok(None);
        }
        let change = self.begin_system_change(now).await?;
        let lease = write_hex(&make_random::<16>()?);
        let mail = change.lease_mail(&lease, now.as_secs(), now.as_secs() + LEASE_SECS).await?;
        change.commit_recorded().await?;
        Ok(mail)
    }

    /// The mail with its code; `None` where there is nobody to write to.
    async fn write_mail(&self, mail: &MailRow, now: UnixTime) -> Result<Option<OutgoingMail>, ServiceError> {
        let server = &self.accounts.settings.public_url;
        if let Some(notice) = Template::notice(mail.kind) {
            return Ok(Some(notice.write(&mail.address, server, "")));
        }
        let change = self.begin_system_change(now).await?;
        // Taken back since it was leased: there must be no code any more.
        if !change.is_mail_held(mail).await? {
            return Ok(None);
        }
        change.delete_expired_one_time_secrets(now.as_secs()).await?;
        let chosen = match &mail.invitation_id {
            Some(invitation) => renew_invitation(&change, invitation, now).await?,
            None => choose(&change, mail, self.accounts.settings.sign_up, now).await?,
        };
        let Some((template, code)) = chosen else { return Ok(None) };
        change.commit_recorded().await?;
        Ok(Some(template.write(&mail.address, server, &code)))
    }

    pub(super) async fn deliver(
        &self,
        mailer: &dyn Mailer,
        mail: &MailRow,
        outgoing: &OutgoingMail,
        now: UnixTime,
    ) -> Result<Progress, ServiceError> {
        let attempts = mail.attempts.value();
        match mailer.send(outgoing).await {
            Ok(()) => {
                self.finish_mail(mail, None, now).await?;
                tracing::info!(mail.id = %mail.id, mail.kind = ?mail.kind, "mail sent");
                Ok(Progress::Done)
            }
            Err(error) if attempts >= MAX_ATTEMPTS => {
                self.finish_mail(mail, None, now).await?;
                tracing::error!(mail.id = %mail.id, mail.kind = ?mail.kind, %error, "mail given up");
                Ok(Progress::Postponed)
            }
            Err(error) => {
                let pause_secs = 30 << attempts.min(8);
                self.finish_mail(mail, Some(now.as_secs() + pause_secs), now).await?;
                tracing::warn!(mail.id = %mail.id, mail.kind = ?mail.kind, %error, "mail not sent; tried again later");
                Ok(Progress::Postponed)
            }
        }
    }

    pub(super) async fn finish_mail(
        &self,
        mail: &MailRow,
        again_at: Option<u64>,
        now: UnixTime,
    ) -> Result<(), ServiceError> {
        let change = self.begin_system_change(now).await?;
        change.release_mail(mail, again_at).await?;
        change.delete_sent_mails(now.as_secs().saturating_sub(KEEP_SECS)).await?;
        change.commit_recorded().await
    }
}

/// What to write to whom, which depends on whether there is an account: told to the owner of the address alone.
async fn choose(
    tx: &WriteTx,
    mail: &MailRow,
    sign_up: SignUp,
    now: UnixTime,
) -> Result<Option<(Template, String)>, ServiceError> {
    let found = tx.find_account_by_email(&mail.address_key).await?;
    let email = mail.address.clone();
    let (template, code, account, secs) = match (mail.kind, found) {
        (MailKind::SignUp, None) if sign_up == SignUp::Invited && !is_invited(tx, &mail.address_key, now).await? => {
            return Ok(None);
        }
        (MailKind::SignUp, None) => (Template::SignUp, Code::SignUp { email }, None, CODE_SECS),
        (MailKind::SignUp, Some(_)) => return Ok(Some((Template::AlreadySignedUp, String::new()))),
        (MailKind::ResetPassword, Some((account, _))) => {
            (Template::ResetPassword, Code::SetPassword { email, breaks_glass: false }, Some(account.id), RESET_SECS)
        }
        (MailKind::ChangeAddress, None) => {
            (Template::ChangeAddress, Code::ChangeAddress { email }, mail.account_id.clone(), CODE_SECS)
        }
        // Nobody's address; or one that somebody else has, which the new owner of the account need not learn.
        _ => return Ok(None),
    };
    EmailAddress::parse(&mail.address)?;
    let secret = code.make(tx, account.as_ref(), now.as_secs() + secs).await?;
    Ok(Some((template, secret.expose_secret().to_owned())))
}

/// Gives the invitation the code that is mailed now; `None` when it lets nobody in any more.
async fn renew_invitation(
    tx: &WriteTx,
    invitation: &InvitationId,
    now: UnixTime,
) -> Result<Option<(Template, String)>, ServiceError> {
    let Some(found) = tx.find_open_invitation(invitation).await? else { return Ok(None) };
    if !is_good(tx, &found, now).await? {
        return Ok(None);
    }
    let code = InvitationCode::make(&make_random()?);
    tx.save_invitation_secret(invitation, code.prefix(), &write_hex(&code.sha256())).await?;
    Ok(Some((Template::Invitation, code.expose_secret().to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::account::{code::end_codes, request_mail::queue_mail};
    use pintle_core::root::BaseUrl;
    use pintle_store::{AccountId, AccountRow, Store};

    const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

    #[tokio::test]
    async fn a_mail_that_was_taken_back_when_it_was_to_be_written_brings_no_code() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open_sqlite(&folder.path().join("pintle.db")).await.unwrap();
        let service = Service::new(store, Vec::new(), BaseUrl::parse("https://pins.example.com/cdn").unwrap());
        let account = AccountId::make(1);
        let address = EmailAddress::parse("eve@example.com").unwrap();
        let change = service.begin_system_change(NOW).await.unwrap();
        let row = AccountRow { id: account.clone(), name: "Ada".into(), created_at: 1.into() };
        change.insert_account(row).await.unwrap();
        queue_mail(&change, MailKind::ChangeAddress, &address, Some(&account), NOW).await.unwrap();
        change.commit_recorded().await.unwrap();
        let mail = service.lease_mail(NOW).await.unwrap().unwrap();
        assert!(service.write_mail(&mail, NOW).await.unwrap().is_some());
        let change = service.begin_system_change(NOW).await.unwrap();
        end_codes(&change, &account).await.unwrap();
        change.commit_recorded().await.unwrap();
        assert!(service.write_mail(&mail, NOW).await.unwrap().is_none());
    }
}
