use std::sync::Arc;

use pintle_api::{SessionSecret, SignInRequest, SignInResponse, SignedIn};
use pintle_core::UnixTime;
use pintle_store::{AccountId, AccountRow, AuditChain, PasswordRow, ReadTx, SessionId, SessionRow, Unsigned};
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

/// What somebody proved, outside of any transaction: comparing takes its time.
#[derive(Clone, Debug)]
pub(super) struct Proof {
    pub(super) method: Method,
    /// When the password that they know was set; `None`: it is none.
    pub(super) password_set_at: Option<Unsigned>,
}

impl Proof {
    /// A proof of another kind than a password.
    pub(super) const fn by(way: Way) -> Self {
        Self { method: Method { way, has_second_factor: false }, password_set_at: None }
    }

    /// Refuses a proof that was overtaken: with a new password whoever knew the old one is out, and must not come in behind it.
    pub(super) async fn check_current(&self, tx: &ReadTx, account: &AccountId) -> Result<(), ServiceError> {
        let Some(set_at) = self.password_set_at else { return Ok(()) };
        let is_current = tx.find_password(account).await?.is_some_and(|row| row.changed_at == set_at);
        if is_current { Ok(()) } else { Err(AccountError::SignInFailed.into()) }
    }
}

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
        let (account, proof) = match self.check_password(request, address.as_ref(), context, now).await {
            // The same whether the password is right: nobody tries out here what may be good elsewhere.
            Ok((_, Proof { method: Method { way: Way::Password, .. }, .. }))
            | Err(ServiceError::Account(AccountError::SignInFailed))
                if requires_sso =>
            {
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
        self.finish_first_step(account, &proof, former, context, now).await
    }

    /// Asks for the second factor, where the account has one; else begins a session.
    pub(super) async fn finish_first_step(
        &self,
        account: AccountRow,
        proof: &Proof,
        former: Option<&Actor>,
        context: &RequestContext,
        now: UnixTime,
    ) -> Result<SignInResponse, ServiceError> {
        let factor = self.store.read().await?.find_totp(&account.id).await?;
        if factor.is_some_and(|row| row.confirmed_at.is_some()) {
            return self.ask_second_factor(&account, proof, now).await;
        }
        let signed_in = self.begin_session(account, proof, former, context, now).await?;
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
    ) -> Result<(AccountRow, Proof), ServiceError> {
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
        let proof = Proof { password_set_at: stored.as_ref().map(|row| row.changed_at), ..Proof::by(way) };
        let comparison = self.accounts.passwords.compare(&request.password, stored.map(|row| row.hash)).await?;
        match (comparison, account) {
            (Comparison::Equal, Some(account)) => Ok((account, proof)),
            (Comparison::EqualOutdated, Some(account)) => {
                self.hash_again(&account, &proof, request, now).await?;
                Ok((account, proof))
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

    /// Brings the hash of a password up to today's parameters, if it still is the password.
    async fn hash_again(
        &self,
        account: &AccountRow,
        proof: &Proof,
        request: &SignInRequest,
        now: UnixTime,
    ) -> Result<(), ServiceError> {
        let hash = self.accounts.passwords.hash(&request.password).await?;
        let change = self.begin_system_change(now).await?;
        proof.check_current(&change, &account.id).await?;
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

    /// Begins a session of somebody who proved who they are, if the proof still holds.
    pub(super) async fn begin_session(
        &self,
        account: AccountRow,
        proof: &Proof,
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
            method: proof.method.to_text(),
            client: context.client.clone().unwrap_or_else(|| UNKNOWN_CLIENT.to_owned()),
            network_tag: context.network.as_ref().and_then(tag),
            created_at: now_secs.into(),
            authenticated_at: now_secs.into(),
            last_used_at: now_secs.into(),
            expires_at: (now_secs + SESSION_SECS).into(),
        };
        let actor = self.session_actor(account, &session, context.clone());
        let change = self.begin_change(&actor, now).await?;
        proof.check_current(&change, &actor.account_id).await?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use pintle_core::root::BaseUrl;
    use pintle_store::{EmailRow, Store};

    const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
    const LATER: UnixTime = UnixTime::from_secs(1_800_000_060);
    const OLD: &str = "elf twigs hum so";

    fn request() -> SignInRequest {
        SignInRequest { email: "ada@example.com".into(), password: Zeroizing::new(OLD.to_owned()).into() }
    }

    /// A service that knows Ada; her password, and what her signing in with it has proved so far.
    async fn begin(folder: &std::path::Path) -> (Service, AccountRow, Proof) {
        let store = Store::open_sqlite(&folder.join("pintle.db")).await.unwrap();
        let service = Service::new(store, Vec::new(), BaseUrl::parse("https://pins.example.com/cdn").unwrap());
        let address = EmailAddress::parse("ada@example.com").unwrap();
        let account = AccountRow { id: AccountId::make(1), name: "Ada".into(), created_at: 1.into() };
        let change = service.begin_system_change(NOW).await.unwrap();
        change.insert_account(account.clone()).await.unwrap();
        let email = EmailRow {
            account_id: account.id.clone(),
            address: address.as_str().into(),
            address_key: address.key().into(),
            verified_at: 1.into(),
        };
        change.save_email(email).await.unwrap();
        change.commit_recorded().await.unwrap();
        let hash = service.accounts.passwords.hash(&request().password).await.unwrap();
        set_password(&service, &account, &hash, NOW).await;
        let context = RequestContext::default();
        let (_, proof) = service.check_password(&request(), Some(&address), &context, NOW).await.unwrap();
        (service, account, proof)
    }

    async fn set_password(service: &Service, account: &AccountRow, hash: &str, now: UnixTime) {
        let change = service.begin_system_change(now).await.unwrap();
        let (account_id, changed_at) = (account.id.clone(), now.as_secs().into());
        let row = PasswordRow { account_id, hash: hash.to_owned(), changed_at, break_glass_until: None };
        change.save_password(row).await.unwrap();
        change.commit_recorded().await.unwrap();
    }

    #[tokio::test]
    async fn whoever_was_signing_in_when_the_password_was_changed_does_not_come_in_behind_it() {
        let folder = tempfile::tempdir().unwrap();
        let (service, account, proof) = begin(folder.path()).await;
        let context = RequestContext::default();
        assert!(service.finish_first_step(account.clone(), &proof, None, &context, NOW).await.is_ok());
        set_password(&service, &account, "another", LATER).await;
        let refused = service.finish_first_step(account.clone(), &proof, None, &context, LATER).await.unwrap_err();
        assert_eq!(refused.code(), "sign_in_failed");
        let refused = service.ask_second_factor(&account, &proof, LATER).await.unwrap_err();
        assert_eq!(refused.code(), "sign_in_failed", "nor with a second step");
    }

    #[tokio::test]
    async fn an_old_password_is_not_hashed_again_over_a_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let (service, account, proof) = begin(folder.path()).await;
        set_password(&service, &account, "another", LATER).await;
        assert!(service.hash_again(&account, &proof, &request(), LATER).await.is_err());
        let stored = service.store.read().await.unwrap().find_password(&account.id).await.unwrap().unwrap();
        assert_eq!(stored.hash, "another");
    }
}
