use std::sync::Arc;

use pintle_api::{SessionSecret, SignInRequest, SignInResponse, SignedIn};
use pintle_core::UnixTime;
use pintle_store::{AccountRow, AuditChain, PasswordRow, SessionId, SessionRow};
use zeroize::Zeroizing;

use super::sessions::describe;
use crate::{
    Actor, AuditAction, RequestContext, Service, ServiceError, SsoError,
    accounts::{Method, SESSION_IDLE_SECS, SESSION_SECS, Way},
    actor::{ALL_SCOPES, Credential, Reach},
    address::EmailAddress,
    audit::{Author, Event},
    change::list_account_chains,
    error::AccountError,
    hex::write_hex,
    password::Comparison,
    random::make_random,
    security::Incident,
};

/// What is told of a client that says nothing of itself.
const UNKNOWN_CLIENT: &str = "unknown";

impl Service {
    /// Signs in with address and password. `former`, a session of the same account, ends with that: signing in again is
    /// how people prove anew who they are.
    ///
    /// # Errors
    /// [`AccountError::SignInFailed`], [`AccountError::TooManyAttempts`], [`AccountError::Busy`], [`SsoError::Required`],
    /// [`ServiceError::Store`].
    pub async fn sign_in(
        &self,
        request: &SignInRequest,
        former: Option<&Actor>,
        context: &RequestContext,
        now: UnixTime,
    ) -> Result<SignInResponse, ServiceError> {
        let address = EmailAddress::parse(&request.email).ok();
        // Whatever is no address counts as one and the same.
        let key = address.as_ref().map_or("", EmailAddress::key);
        let attempt =
            self.accounts.throttle.begin(key, context.network.as_deref(), now).map_err(|retry_after_secs| {
                self.note_refusal(&[AuditChain::installation()], "guesses", "locked", context);
                AccountError::TooManyAttempts { retry_after_secs }
            })?;
        let requires_sso = self.accounts.settings.require_sso;
        let (account, way) = match self.check_password(request, address.as_ref(), context, now).await {
            // The same whether the password is right: nobody tries out here what may be good elsewhere.
            Ok((_, Way::Password)) | Err(ServiceError::Account(AccountError::SignInFailed)) if requires_sso => {
                return Err(SsoError::Required.into());
            }
            Ok(found) => found,
            Err(error) => {
                if !matches!(error, ServiceError::Account(AccountError::SignInFailed)) {
                    self.accounts.throttle.take_back(&attempt);
                }
                return Err(error);
            }
        };
        self.accounts.throttle.forgive(&attempt);
        self.finish_first_step(account, &Method { way, has_second_factor: false }, former, context, now).await
    }

    /// Asks for the second factor, where the account has one; else begins a session.
    pub(super) async fn finish_first_step(
        &self,
        account: AccountRow,
        method: &Method,
        former: Option<&Actor>,
        context: &RequestContext,
        now: UnixTime,
    ) -> Result<SignInResponse, ServiceError> {
        let factor = self.store.read().await?.find_totp(&account.id).await?;
        if factor.is_some_and(|row| row.confirmed_at.is_some()) {
            return self.ask_second_factor(&account, method, now).await;
        }
        let signed_in = self.begin_session(account, method, former, context, now).await?;
        Ok(SignInResponse::Done(signed_in))
    }

    /// Who acts in a session, and what it may do at most.
    pub(crate) fn session_actor(&self, account: AccountRow, session: &SessionRow, request: RequestContext) -> Actor {
        let method = Method::parse(&session.method);
        let shortfall = method.find_shortfall(&self.accounts.settings);
        Actor {
            account_id: account.id,
            account_name: account.name,
            scopes: if shortfall.is_none() { ALL_SCOPES.to_vec() } else { Vec::new() },
            credential: Credential::Session {
                id: session.id.clone(),
                client: session.client.clone(),
                method,
                authenticated_at: UnixTime::from_secs(session.authenticated_at.value()),
                shortfall,
            },
            request,
            idempotency: None,
            reach: Reach::Account,
            security: Arc::clone(&self.security),
        }
    }

    /// The account with this address and password. Whether it is the one or the other that is wrong shows neither in the
    /// answer nor in the time it takes.
    async fn check_password(
        &self,
        request: &SignInRequest,
        address: Option<&EmailAddress>,
        context: &RequestContext,
        now: UnixTime,
    ) -> Result<(AccountRow, Way), ServiceError> {
        let found = match address {
            Some(address) => self.store.read().await?.find_account_by_email(address.key()).await?,
            None => None,
        };
        let account = found.map(|(account, _)| account);
        let stored = match &account {
            Some(account) => self.store.read().await?.find_password(&account.id).await?,
            None => None,
        };
        let breaks_glass =
            stored.as_ref().and_then(|row| row.break_glass_until).is_some_and(|until| now.as_secs() < until.value());
        let way = if breaks_glass { Way::BreakGlass } else { Way::Password };
        let comparison = self.accounts.passwords.compare(&request.password, stored.map(|row| row.hash)).await?;
        match (comparison, account) {
            (Comparison::Equal, Some(account)) => Ok((account, way)),
            (Comparison::EqualOutdated, Some(account)) => {
                self.hash_again(&account, request, now).await?;
                Ok((account, way))
            }
            (_, account) => {
                match account {
                    Some(account) => {
                        let chains = list_account_chains(&self.store.read().await?, &account.id).await?;
                        self.note_refusal(&chains, account.id.as_str(), "wrong password", context);
                    }
                    None => self.note_refusal(&[AuditChain::installation()], "unknown", "no account", context),
                }
                Err(AccountError::SignInFailed.into())
            }
        }
    }

    /// Brings the hash of a password up to today's parameters.
    async fn hash_again(
        &self,
        account: &AccountRow,
        request: &SignInRequest,
        now: UnixTime,
    ) -> Result<(), ServiceError> {
        let hash = self.accounts.passwords.hash(&request.password).await?;
        let change = self.begin_system_change(now).await?;
        let Some(stored) = change.find_password(&account.id).await? else { return Ok(()) };
        change.save_password(PasswordRow { hash, ..stored }).await?;
        change.commit_recorded().await
    }

    /// A flood of guesses is counted, and written once a minute: see [`security`](crate::security).
    pub(super) fn note_refusal(
        &self,
        chains: &[AuditChain],
        account: &str,
        reason: &'static str,
        context: &RequestContext,
    ) {
        for chain in chains {
            self.security.note(Incident {
                chain: chain.clone(),
                action: AuditAction::SignInFailed,
                author: Author::anonymous(context.clone()),
                target: ("account", account.to_owned()),
                reason,
            });
        }
    }

    /// Begins a session of somebody who proved who they are.
    pub(super) async fn begin_session(
        &self,
        account: AccountRow,
        method: &Method,
        former: Option<&Actor>,
        context: &RequestContext,
        now: UnixTime,
    ) -> Result<SignedIn, ServiceError> {
        let secret = SessionSecret::make(&make_random()?);
        let now_secs = now.as_secs();
        let tag = |network: &String| self.accounts.key.as_ref().map(|key| key.derive_tag("network", network));
        let session = SessionRow {
            id: SessionId::make(now_secs),
            account_id: account.id.clone(),
            secret_sha256: write_hex(&secret.sha256()),
            method: method.to_text(),
            client: context.client.clone().unwrap_or_else(|| UNKNOWN_CLIENT.to_owned()),
            network_tag: context.network.as_ref().and_then(tag),
            created_at: now_secs.into(),
            authenticated_at: now_secs.into(),
            last_used_at: now_secs.into(),
            expires_at: (now_secs + SESSION_SECS).into(),
        };
        let actor = self.session_actor(account, &session, context.clone());
        let change = self.begin_change(&actor, now).await?;
        change.delete_ended_sessions(now_secs, now_secs.saturating_sub(SESSION_IDLE_SECS)).await?;
        if let Some(former) = former.and_then(Actor::session) {
            change.delete_session(&actor.account_id, former).await?;
        }
        change.insert_session(session.clone()).await?;
        let event = |chain| {
            Event::new(chain, AuditAction::SessionBegan, "session", session.id.as_str())
                .after(serde_json::json!({ "method": session.method }))
        };
        change.record_of_account(&actor.account_id, event).await?;
        change.commit_recorded().await?;
        let secret = Zeroizing::new(secret.expose_secret().to_owned()).into();
        Ok(SignedIn { secret, session: describe(&session, Some(&session.id)) })
    }
}
