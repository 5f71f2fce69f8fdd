//! Signing in with an identity that a provider vouches for.

use pintle_api::{BeginSsoRequest, FinishSsoRequest, SecretText, SignInResponse, SsoProvidersResponse, SsoStep};
use pintle_core::UnixTime;
use pintle_store::{AccountId, AccountRow, AuditChain, IdentityId, IdentityRow, OneTimeSecretRow, StoreError};
use serde_json::json;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{confirm::save_address, sign_in::Proof};
use crate::{
    AccountError, Actor, AuditAction, IdentityProviderError, RequestContext, Service, ServiceError, SignUp, SsoAnswer,
    SsoError, SsoProvider, VerifiedIdentity,
    accounts::Way,
    actions::accept_invitation::is_invited,
    address::EmailAddress,
    audit::Event,
    change::Change,
    hex::write_hex,
    input::check_label,
    sso::{SsoAttempt, is_redirect_allowed},
};

const PURPOSE_USED: &str = "sso used";

impl Service {
    /// The providers that the operator trusts.
    pub fn list_sso_providers(&self) -> SsoProvidersResponse {
        let providers = self.accounts.providers.iter().map(|provider| provider.name.clone()).collect();
        SsoProvidersResponse { providers, is_required: self.accounts.settings.require_sso }
    }

    /// Begins to sign in at a provider. Nothing is kept here.
    ///
    /// # Errors
    /// [`SsoError::ProviderUnknown`], [`SsoError::RedirectInvalid`], [`SsoError::ProviderUnavailable`].
    pub async fn begin_sso(&self, request: &BeginSsoRequest, now: UnixTime) -> Result<SsoStep, ServiceError> {
        self.ask_provider(request, None, now).await
    }

    /// Signs in with what came back from the provider. Somebody new gets an account where [`SignUp`] lets them; an account
    /// that is there is never taken over by its address. `former`, a session of the same account, ends with that.
    ///
    /// # Errors
    /// [`SsoError`], [`AccountError::SignUpClosed`], [`ServiceError::Store`].
    pub async fn finish_sso(
        &self,
        request: &FinishSsoRequest,
        former: Option<&Actor>,
        context: &RequestContext,
        now: UnixTime,
    ) -> Result<SignInResponse, ServiceError> {
        let (provider, identity) = self.receive_answer(request, None, context, now).await?;
        let account = self.find_or_make_account(provider, &identity, context, now).await?;
        let proof = Proof::by(Way::Sso(provider.name.clone()));
        self.finish_first_step(account, &proof, former, context, now).await
    }

    pub(super) async fn ask_provider(
        &self,
        request: &BeginSsoRequest,
        account: Option<&AccountId>,
        now: UnixTime,
    ) -> Result<SsoStep, ServiceError> {
        let provider = self.find_provider(&request.provider)?;
        if !is_redirect_allowed(&request.redirect_uri, &self.accounts.settings.public_url, &provider.name) {
            return Err(SsoError::RedirectInvalid.into());
        }
        let attempt = SsoAttempt::make(&provider.name, &request.redirect_uri, account, now)?;
        let challenge = attempt.challenge();
        let asked = provider.provider.ask(&challenge, now).await;
        let authorization_url = asked.map_err(|error| tell(&provider.name, &error))?;
        Ok(SsoStep { authorization_url, state: challenge.state, pending: attempt.seal(self.accounts.key()?)? })
    }

    /// Whom the answer proves to be there, once. `linking` is the account that began, if the attempt is to be one to link.
    pub(super) async fn receive_answer(
        &self,
        request: &FinishSsoRequest,
        linking: Option<&AccountId>,
        context: &RequestContext,
        now: UnixTime,
    ) -> Result<(&SsoProvider, VerifiedIdentity), ServiceError> {
        let attempt = SsoAttempt::open(self.accounts.key()?, &request.pending, now)?;
        let challenge = attempt.challenge();
        let is_own = attempt.account.as_deref() == linking.map(AccountId::as_str)
            && attempt.provider == request.provider
            && bool::from(challenge.state.as_bytes().ct_eq(request.state.as_bytes()));
        if !is_own {
            return Err(SsoError::AttemptInvalid.into());
        }
        let provider = self.find_provider(&attempt.provider)?;
        if !self.use_up(&request.pending, PURPOSE_USED, attempt.expires_at, now).await? {
            return Err(SsoError::AttemptInvalid.into());
        }
        let answer = SsoAnswer { code: request.code.expose_secret(), iss: request.iss.as_deref() };
        let identity = provider.provider.verify(&answer, &challenge, now).await.map_err(|error| {
            let error = tell(&provider.name, &error);
            if error == SsoError::Refused {
                self.note_refusal(&[AuditChain::installation()], "unknown", "single sign-on", context);
            }
            error
        })?;
        check_domain(provider, &identity)?;
        Ok((provider, identity))
    }

    pub(super) fn find_provider(&self, name: &str) -> Result<&SsoProvider, ServiceError> {
        let found = self.accounts.providers.iter().find(|provider| provider.name == name);
        found.ok_or_else(|| SsoError::ProviderUnknown.into())
    }

    /// An attempt has one answer: `false` when it had it already.
    pub(super) async fn use_up(
        &self,
        pending: &SecretText,
        purpose: &str,
        expires_at: u64,
        now: UnixTime,
    ) -> Result<bool, ServiceError> {
        let secret_sha256 = write_hex(&Sha256::digest(pending.expose_secret()));
        let change = self.begin_system_change(now).await?;
        if change.find_one_time_secret(&secret_sha256, purpose).await?.is_some() {
            return Ok(false);
        }
        change.delete_expired_one_time_secrets(now.as_secs()).await?;
        change
            .insert_one_time_secret(OneTimeSecretRow {
                secret_sha256,
                purpose: purpose.to_owned(),
                account_id: None,
                state: String::new(),
                expires_at: expires_at.into(),
            })
            .await?;
        change.commit_recorded().await?;
        Ok(true)
    }

    async fn find_or_make_account(
        &self,
        provider: &SsoProvider,
        identity: &VerifiedIdentity,
        context: &RequestContext,
        now: UnixTime,
    ) -> Result<AccountRow, ServiceError> {
        let change = self.begin_visitor_change(context, now).await?;
        if let Some(account) = change.find_account_by_identity(&provider.issuer, &identity.subject).await? {
            return Ok(account);
        }
        let address = identity.email.as_deref().filter(|_| identity.is_email_verified);
        let address = EmailAddress::parse(address.ok_or(SsoError::AddressUnverified)?)?;
        if change.find_account_by_email(address.key()).await?.is_some() {
            return Err(SsoError::AccountExists.into());
        }
        let is_welcome = match self.accounts.settings.sign_up {
            SignUp::Open => true,
            SignUp::Invited => is_invited(&change, address.key(), now).await?,
            SignUp::Closed => false,
        };
        if !is_welcome {
            return Err(AccountError::SignUpClosed.into());
        }
        let account = make_account(&change, identity, &address, now).await?;
        insert_identity(&change, &account.id, provider, identity, now).await?;
        change.commit_recorded().await?;
        Ok(account)
    }
}

async fn make_account(
    change: &Change,
    identity: &VerifiedIdentity,
    address: &EmailAddress,
    now: UnixTime,
) -> Result<AccountRow, ServiceError> {
    let name = identity.name.as_deref().filter(|name| check_label("name", name).is_ok());
    let name = name.unwrap_or_else(|| address.as_str()).chars().take(100).collect();
    let account = AccountRow { id: AccountId::make(now.as_secs()), name, created_at: now.as_secs().into() };
    change.insert_account(account.clone()).await?;
    save_address(change, &account.id, address, now).await?;
    let event = Event::new(AuditChain::installation(), AuditAction::AccountCreated, "account", account.id.as_str())
        .personal("target_name", Some(&account.id), &account.name)
        .personal("email", Some(&account.id), address.as_str());
    change.record(event).await?;
    Ok(account)
}

/// Links the identity with the account, and records it.
pub(super) async fn insert_identity(
    change: &Change,
    account: &AccountId,
    provider: &SsoProvider,
    identity: &VerifiedIdentity,
    now: UnixTime,
) -> Result<IdentityRow, ServiceError> {
    let row = IdentityRow {
        id: IdentityId::make(now.as_secs()),
        account_id: account.clone(),
        provider: provider.name.clone(),
        issuer: provider.issuer.clone(),
        subject: identity.subject.clone(),
        email: identity.email.clone().filter(|email| EmailAddress::parse(email).is_ok()),
        created_at: now.as_secs().into(),
    };
    match change.insert_identity(row.clone()).await {
        Err(StoreError::AlreadyExists) => return Err(SsoError::IdentityTaken.into()),
        inserted => inserted?,
    }
    let event = |chain| {
        Event::new(chain, AuditAction::IdentityLinked, "identity", row.id.as_str())
            .after(json!({ "provider": row.provider, "issuer": row.issuer }))
    };
    change.record_of_account(account, event).await?;
    Ok(row)
}

/// Only an address that the provider vouches for has a domain that says something.
fn check_domain(provider: &SsoProvider, identity: &VerifiedIdentity) -> Result<(), SsoError> {
    if provider.allowed_domains.is_empty() {
        return Ok(());
    }
    let verified = identity.email.as_deref().filter(|_| identity.is_email_verified);
    let address = verified.and_then(|email| EmailAddress::parse(email).ok()).ok_or(SsoError::AddressUnverified)?;
    let domain = address.key().rsplit_once('@').map_or("", |(_, domain)| domain);
    let is_allowed = provider.allowed_domains.iter().any(|allowed| allowed.eq_ignore_ascii_case(domain));
    if is_allowed { Ok(()) } else { Err(SsoError::DomainNotAllowed) }
}

/// What people are told; the operator's log has the rest.
fn tell(provider: &str, error: &IdentityProviderError) -> SsoError {
    tracing::warn!(sso.provider = provider, %error, "single sign-on failed");
    match error {
        IdentityProviderError::Unavailable(_) => SsoError::ProviderUnavailable,
        IdentityProviderError::Refused(_) => SsoError::Refused,
    }
}
