use pintle_api::ApiToken;
use pintle_core::UnixTime;
use pintle_store::{StoreError, TokenRow, Unsigned};
use subtle::ConstantTimeEq;

use crate::{
    Actor, RequestContext, Service, ServiceError,
    actor::{Credential, parse_scopes},
    hex::write_hex,
};

/// A token's last use is written at most this often, so that reading does not cost a write each time.
const LAST_USE_RESOLUTION_SECS: u64 = 60;

impl Service {
    /// Says whose token `text` is.
    ///
    /// # Errors
    /// [`ServiceError::TokenMalformed`], [`ServiceError::TokenUnknown`], [`ServiceError::Store`].
    pub async fn authenticate(
        &self,
        text: &str,
        request: RequestContext,
        now: UnixTime,
    ) -> Result<Actor, ServiceError> {
        let presented = ApiToken::parse(text)?;
        let found = self.store.read().await?.find_token(presented.prefix()).await?;
        let (token, account) = found.ok_or(ServiceError::TokenUnknown)?;
        let is_same = token.secret_sha256.as_bytes().ct_eq(hash(&presented).as_bytes());
        let is_expired = token.expires_at.is_some_and(|at| now.as_secs() >= at.value());
        if !bool::from(is_same) || is_expired {
            return Err(ServiceError::TokenUnknown);
        }
        self.note_use(&token, now).await;
        Ok(Actor {
            account_id: account.id,
            account_name: account.name,
            scopes: parse_scopes(&token.scopes),
            credential: Credential::Token { id: token.id, name: token.name },
            request,
            idempotency: None,
        })
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
        tx.save_token_use(&token.id, now.as_secs()).await?;
        #[expect(clippy::disallowed_methods, reason = "being used changes nothing that anybody decides upon")]
        tx.commit().await
    }
}

/// What is stored of a token.
pub(super) fn hash(token: &ApiToken) -> String {
    write_hex(&token.sha256())
}
