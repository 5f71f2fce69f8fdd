use std::sync::Arc;

use pintle_api::{ApiToken, Bearer, SessionSecret};
use pintle_core::UnixTime;
use pintle_store::{AuditChain, SessionRow, StoreError, TokenRow, Unsigned};
use subtle::ConstantTimeEq;

use crate::{
    Actor, AuditAction, RequestContext, Service, ServiceError,
    accounts::is_over,
    actor::{Credential, Reach, parse_scopes},
    audit::Author,
    error::AccountError,
    hex::write_hex,
    security::Incident,
};

/// A token's last use is written at most this often, so that reading does not cost a write each time.
const LAST_USE_RESOLUTION_SECS: u64 = 60;

impl Service {
    /// Says whose token or session `text` is.
    ///
    /// # Errors
    /// [`ServiceError::TokenMalformed`], [`ServiceError::TokenUnknown`], [`AccountError::SessionUnknown`],
    /// [`ServiceError::Store`].
    pub async fn authenticate(
        &self,
        text: &str,
        request: RequestContext,
        now: UnixTime,
    ) -> Result<Actor, ServiceError> {
        match Bearer::parse(text).inspect_err(|_| self.note_stranger(&request, "malformed"))? {
            Bearer::Token(token) => self.authenticate_token(&token, request, now).await,
            Bearer::Session(session) => self.authenticate_session(&session, request, now).await,
        }
    }

    async fn authenticate_token(
        &self,
        presented: &ApiToken,
        request: RequestContext,
        now: UnixTime,
    ) -> Result<Actor, ServiceError> {
        let tx = self.store.read().await?;
        let found = tx.find_token(presented.prefix()).await?;
        // Only who knows the whole token learns anything of it, the audit log included.
        let genuine =
            found.filter(|(token, _)| token.secret_sha256.as_bytes().ct_eq(hash(presented).as_bytes()).into());
        let Some((token, account)) = genuine else {
            self.note_stranger(&request, "unknown");
            return Err(ServiceError::TokenUnknown);
        };
        if let Some(reason) = find_end(&token, now) {
            let author = Author::anonymous(request);
            self.note_token(&token, &tx.list_token_chains(&token).await?, AuditAction::TokenRefused, &author, reason);
            return Err(ServiceError::TokenUnknown);
        }
        let actor = Actor {
            account_id: account.id,
            account_name: account.name,
            scopes: parse_scopes(&token.scopes),
            reach: Reach::new(token.organization_id.clone(), token.project_id.clone()),
            credential: Credential::Token {
                id: token.id.clone(),
                name: token.name.clone(),
                expires_at: token.expires_at.map(Unsigned::value),
            },
            request,
            idempotency: None,
            security: Arc::clone(&self.security),
        };
        if let Some(network) = &actor.request.network
            && !tx.has_token_network(&token.id, AuditAction::TokenNewNetwork.as_str(), network).await?
        {
            let (chains, author) = (tx.list_token_chains(&token).await?, Author::from(&actor));
            self.note_token(&token, &chains, AuditAction::TokenNewNetwork, &author, "never used from there");
        }
        drop(tx);
        self.note_use(&token, now).await;
        Ok(actor)
    }

    /// Somebody came with what is no token of ours.
    fn note_stranger(&self, request: &RequestContext, reason: &'static str) {
        self.security.note(Incident {
            chain: AuditChain::installation(),
            action: AuditAction::TokenRefused,
            author: Author::anonymous(request.clone()),
            target: ("token", reason.to_owned()),
            reason,
        });
    }

    /// The same incident in every chain that a token concerns.
    fn note_token(
        &self,
        token: &TokenRow,
        chains: &[AuditChain],
        action: AuditAction,
        author: &Author,
        reason: &'static str,
    ) {
        for chain in chains {
            let (chain, author) = (chain.clone(), author.clone());
            self.security.note(Incident { chain, action, author, target: ("token", token.id.to_string()), reason });
        }
    }

    async fn authenticate_session(
        &self,
        presented: &SessionSecret,
        request: RequestContext,
        now: UnixTime,
    ) -> Result<Actor, ServiceError> {
        let found = self.store.read().await?.find_session(&write_hex(&presented.sha256())).await?;
        let (session, account) = found.ok_or(AccountError::SessionUnknown)?;
        if is_over(&session, now) {
            return Err(AccountError::SessionUnknown.into());
        }
        self.note_session_use(&session, now).await;
        Ok(self.session_actor(account, &session, request))
    }

    async fn note_session_use(&self, session: &SessionRow, now: UnixTime) {
        if now.as_secs() < session.last_used_at.value().saturating_add(LAST_USE_RESOLUTION_SECS) {
            return;
        }
        let noted = async {
            let tx = self.store.write().await?;
            tx.save_session_use(&session.id, now.as_secs()).await?;
            #[expect(clippy::disallowed_methods, reason = "being used changes nothing that anybody decides upon")]
            tx.commit().await
        };
        if let Err(error) = noted.await {
            tracing::warn!(session.id = %session.id, %error, "last use of a session not noted");
        }
    }

    async fn note_use(&self, token: &TokenRow, now: UnixTime) {
        let last_use = token.last_used_at.map_or(0, Unsigned::value);
        if now.as_secs() < last_use.saturating_add(LAST_USE_RESOLUTION_SECS) {
            return;
        }
        let noted = self.save_use(token, now).await;
        // Reading must go on while the database cannot be written.
        if let Err(error) = noted {
            tracing::warn!(token.id = %token.id, %error, "last use of a token not noted");
        }
    }

    async fn save_use(&self, token: &TokenRow, now: UnixTime) -> Result<(), StoreError> {
        let tx = self.store.write().await?;
        tx.save_token_use(&token.id, now.as_secs() / LAST_USE_RESOLUTION_SECS * LAST_USE_RESOLUTION_SECS).await?;
        #[expect(clippy::disallowed_methods, reason = "being used changes nothing that anybody decides upon")]
        tx.commit().await
    }
}

/// Why the token is refused at `now`, if it is.
fn find_end(token: &TokenRow, now: UnixTime) -> Option<&'static str> {
    let is_expired = token.expires_at.is_some_and(|at| now.as_secs() >= at.value());
    if token.revoked_at.is_some() { Some("revoked") } else { is_expired.then_some("expired") }
}

/// What is stored of a token.
pub(super) fn hash(token: &ApiToken) -> String {
    write_hex(&token.sha256())
}
