//! The second step of signing in.

use pintle_api::{OneTimeSecret, SecondFactor, SecondFactorRequest, SignInResponse, SignInStep, SignedIn};
use pintle_core::UnixTime;
use pintle_store::{AccountRow, OneTimeSecretRow};
use zeroize::Zeroizing;

use super::{sign_in::Proof, totp::use_code};
use crate::{
    Actor, RequestContext, Service, ServiceError,
    accounts::{Method, Way},
    change::list_account_chains,
    error::AccountError,
    hex::write_hex,
    random::make_random,
};

/// Time to look at an authenticator.
const PENDING_SECS: u64 = 300;
const PURPOSE: &str = "second_factor";

impl Service {
    /// Hands out what the second step is made with, after a first one by `proof`.
    pub(super) async fn ask_second_factor(
        &self,
        account: &AccountRow,
        proof: &Proof,
        now: UnixTime,
    ) -> Result<SignInResponse, ServiceError> {
        let pending = OneTimeSecret::make(&make_random()?);
        let change = self.begin_system_change(now).await?;
        proof.check_current(&change, &account.id).await?;
        change
            .insert_one_time_secret(OneTimeSecretRow {
                secret_sha256: write_hex(&pending.sha256()),
                purpose: PURPOSE.to_owned(),
                account_id: Some(account.id.clone()),
                state: proof.method.to_text(),
                expires_at: now.saturating_add_secs(PENDING_SECS).as_secs().into(),
            })
            .await?;
        change.commit_recorded().await?;
        let pending = Zeroizing::new(pending.expose_secret().to_owned()).into();
        let factors = vec![SecondFactor::Totp, SecondFactor::RecoveryCode];
        Ok(SignInResponse::SecondFactor(SignInStep { pending, factors }))
    }

    /// Signs in with the second factor, after [`sign_in`](Self::sign_in) asked for it. What that handed out works once: a
    /// wrong code sends back to the password.
    ///
    /// # Errors
    /// [`AccountError::CodeInvalid`], [`AccountError::FactorWrong`], [`AccountError::TooManyAttempts`],
    /// [`ServiceError::Store`].
    pub async fn finish_sign_in(
        &self,
        request: &SecondFactorRequest,
        former: Option<&Actor>,
        context: &RequestContext,
        now: UnixTime,
    ) -> Result<SignedIn, ServiceError> {
        let pending = OneTimeSecret::parse(request.pending.expose_secret()).map_err(|_| AccountError::CodeInvalid)?;
        let digest = write_hex(&pending.sha256());
        let change = self.begin_visitor_change(context, now).await?;
        let row = change.find_one_time_secret(&digest, PURPOSE).await?;
        let row = row.filter(|row| now.as_secs() < row.expires_at.value()).ok_or(AccountError::CodeInvalid)?;
        let id = row.account_id.clone().ok_or(ServiceError::Internal("a second step knows its account"))?;
        let account = change.find_account(&id).await?.ok_or(AccountError::CodeInvalid)?;
        let attempt = self
            .accounts
            .throttle
            .begin_code(account.id.as_str(), now)
            .map_err(|retry_after_secs| AccountError::TooManyAttempts { retry_after_secs })?;
        change.delete_one_time_secret(&digest).await?;
        let is_right = use_code(&change, self.accounts.key()?, &account.id, &request.code, now).await?;
        let chains = list_account_chains(&change, &account.id).await?;
        let method = Method { has_second_factor: true, ..Method::parse(&row.state) };
        let password = change.find_password(&account.id).await?;
        // What was pending went with the password that it began with: this is still the one.
        let rests_on_password = matches!(method.way, Way::Password | Way::BreakGlass);
        let password_set_at = password.filter(|_| rests_on_password).map(|row| row.changed_at);
        change.commit_recorded().await?;
        if !is_right {
            self.note_refusal(&chains, account.id.as_str(), "wrong second factor", context);
            return Err(AccountError::FactorWrong.into());
        }
        self.accounts.throttle.forgive(&attempt);
        self.begin_session(account, &Proof { method, password_set_at }, former, context, now).await
    }
}
