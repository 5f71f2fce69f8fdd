//! The authenticator of an account: set up, confirmed, removed; and its recovery codes.

use pintle_api::{RecoveryCodesResponse, SecretText, TotpCodeRequest, TotpResponse};
use pintle_core::UnixTime;
use pintle_store::{AccountId, MailKind, TotpRow, WriteTx};
use sha2::{Digest, Sha256};
use totp_rs::{Builder, Secret, Totp};
use zeroize::Zeroizing;

use super::{request_mail::queue_mail, ways_in::require_enrolment};
use crate::{
    Actor, AuditAction, SecretKey, Service, ServiceError,
    address::EmailAddress,
    audit::Event,
    change::Change,
    error::AccountError,
    hex::write_hex,
    random::make_random,
    step_up::{require_recent_authentication, require_recent_authentication_to_enroll},
};

const RECOVERY_CODES: usize = 10;
/// 80 bits: what works once, and is guessed against a throttle, needs no slow hash.
const RECOVERY_DIGITS: usize = 16;
/// Crockford's base32: no digit is read as another.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const PURPOSE: &str = "totp";

impl Service {
    /// Begins to set up an authenticator; it counts once a code of it was confirmed. Beginning again takes another secret.
    ///
    /// # Errors
    /// [`AccountError::PersonNeeded`], [`AccountError::StepUpNeeded`], [`ServiceError::AlreadyExists`],
    /// [`ServiceError::Store`].
    pub async fn begin_totp(&self, actor: &Actor, now: UnixTime) -> Result<TotpResponse, ServiceError> {
        // Before the transaction, too, which others wait for.
        require_recent_authentication_to_enroll(actor, now)?;
        let account = &actor.account_id;
        let change = self.begin_change(actor, now).await?;
        require_enrolment(&change, actor, now).await?;
        if change.find_totp(account).await?.is_some_and(|row| row.confirmed_at.is_some()) {
            return Err(ServiceError::AlreadyExists { what: "authenticator" });
        }
        let secret: Zeroizing<[u8; 20]> = Zeroizing::new(make_random()?);
        let sealed = self.accounts.key()?.seal(PURPOSE, account.as_str(), &*secret)?;
        let row = TotpRow { account_id: account.clone(), secret: sealed, confirmed_at: None, last_step: 0.into() };
        change.save_totp(row).await?;
        let email = change.find_email(account).await?.map(|email| email.address);
        // Nothing is in force yet: no event.
        change.commit_recorded().await?;
        describe(&*secret, &email.unwrap_or_else(|| actor.account_name.clone()))
    }

    /// Puts the authenticator in force, with a code of it; answers with fresh recovery codes.
    ///
    /// # Errors
    /// [`AccountError::PersonNeeded`], [`AccountError::StepUpNeeded`], [`AccountError::FactorWrong`],
    /// [`ServiceError::NotFound`], [`ServiceError::Store`].
    pub async fn confirm_totp(
        &self,
        actor: &Actor,
        request: &TotpCodeRequest,
        now: UnixTime,
    ) -> Result<RecoveryCodesResponse, ServiceError> {
        // Before the transaction, too, which others wait for.
        require_recent_authentication_to_enroll(actor, now)?;
        let account = &actor.account_id;
        let change = self.begin_change(actor, now).await?;
        require_enrolment(&change, actor, now).await?;
        let row = change.find_totp(account).await?.filter(|row| row.confirmed_at.is_none());
        let row = row.ok_or(ServiceError::NotFound { what: "authenticator being set up" })?;
        let step = find_step(self.accounts.key()?, &row, &request.code, now)?.ok_or(AccountError::FactorWrong)?;
        change.save_totp(TotpRow { confirmed_at: Some(now.as_secs().into()), last_step: step.into(), ..row }).await?;
        let codes = make_recovery_codes(&change, account).await?;
        self.finish_factor_change(change, actor, AuditAction::SecondFactorAdded, now).await?;
        Ok(codes)
    }

    /// Removes authenticator and recovery codes.
    ///
    /// # Errors
    /// [`AccountError::PersonNeeded`], [`AccountError::StepUpNeeded`], [`ServiceError::NotFound`],
    /// [`ServiceError::Store`].
    pub async fn remove_totp(&self, actor: &Actor, now: UnixTime) -> Result<(), ServiceError> {
        require_recent_authentication(actor, now)?;
        let change = self.begin_change(actor, now).await?;
        let found = change.find_totp(&actor.account_id).await?.filter(|row| row.confirmed_at.is_some());
        found.ok_or(ServiceError::NotFound { what: "authenticator" })?;
        change.delete_totp(&actor.account_id).await?;
        self.finish_factor_change(change, actor, AuditAction::SecondFactorRemoved, now).await
    }

    /// Records the change in the audit log and tells the owner by mail.
    async fn finish_factor_change(
        &self,
        change: Change,
        actor: &Actor,
        action: AuditAction,
        now: UnixTime,
    ) -> Result<(), ServiceError> {
        let account = &actor.account_id;
        if let Some(email) = change.find_email(account).await? {
            let address = EmailAddress::parse(&email.address)?;
            queue_mail(&change, MailKind::SecondFactorChanged, &address, Some(account), now).await?;
        }
        let event = |chain| Event::new(chain, action, "account", account.as_str());
        change.record_of_account(account, event).await?;
        self.commit_with_mail(change).await
    }
}

/// Whether `code` is one of the account's authenticator, or a recovery code: it is used up with that.
pub(super) async fn use_code(
    tx: &WriteTx,
    key: &SecretKey,
    account: &AccountId,
    code: &SecretText,
    now: UnixTime,
) -> Result<bool, ServiceError> {
    let Some(row) = tx.find_totp(account).await?.filter(|row| row.confirmed_at.is_some()) else { return Ok(false) };
    match find_step(key, &row, code, now)? {
        Some(step) => Ok(tx.use_totp_step(account, step).await?),
        None => Ok(tx.delete_recovery_code(account, &digest_recovery_code(code.expose_secret())).await?),
    }
}

/// The time step that the six digits belong to: the current one, or one beside it for clocks that differ.
fn find_step(key: &SecretKey, row: &TotpRow, code: &SecretText, now: UnixTime) -> Result<Option<u64>, ServiceError> {
    let secret = key.open(PURPOSE, row.account_id.as_str(), &row.secret)?;
    let digits: String = code.expose_secret().chars().filter(|c| !c.is_ascii_whitespace()).collect();
    Ok(make_totp(&secret, "account")?.check(&Zeroizing::new(digits), now.as_secs()))
}

fn make_totp(secret: &[u8], name: &str) -> Result<Totp, ServiceError> {
    Builder::new()
        .with_secret(Secret::from(secret))
        .with_account_name(name.replace(':', " "))
        .with_issuer(Some("Pintle"))
        .build()
        .map_err(|_| ServiceError::Internal("an authenticator has a secret of 20 bytes"))
}

fn describe(secret: &[u8], name: &str) -> Result<TotpResponse, ServiceError> {
    let totp = make_totp(secret, name)?;
    let url = totp.to_url().map_err(|_| ServiceError::Internal("an authenticator has a URL"))?;
    let secret = Zeroizing::new(Secret::from(secret).to_base32());
    Ok(TotpResponse { secret: secret.into(), url: Zeroizing::new(url).into() })
}

async fn make_recovery_codes(tx: &WriteTx, account: &AccountId) -> Result<RecoveryCodesResponse, ServiceError> {
    let mut codes = Vec::with_capacity(RECOVERY_CODES);
    for _ in 0..RECOVERY_CODES {
        codes.push(make_recovery_code()?);
    }
    let digests = codes.iter().map(|code| digest_recovery_code(code)).collect();
    tx.replace_recovery_codes(account, digests).await?;
    Ok(RecoveryCodesResponse { recovery_codes: codes.into_iter().map(SecretText::from).collect() })
}

/// `xxxx-xxxx-xxxx-xxxx`
fn make_recovery_code() -> Result<Zeroizing<String>, ServiceError> {
    let random: Zeroizing<[u8; RECOVERY_DIGITS]> = Zeroizing::new(make_random()?);
    let mut code = Zeroizing::new(String::with_capacity(RECOVERY_DIGITS + 3));
    for (at, byte) in random.iter().enumerate() {
        if at > 0 && at % 4 == 0 {
            code.push('-');
        }
        // 256 is a multiple of 32: every digit is as likely.
        code.push(ALPHABET.get(usize::from(byte % 32)).map_or('0', |&digit| char::from(digit)));
    }
    Ok(code)
}

/// However it was typed: any case, with or without its dashes.
fn digest_recovery_code(code: &str) -> String {
    let plain = code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase());
    write_hex(&Sha256::digest(Zeroizing::new(plain.collect::<String>()).as_bytes()))
}
