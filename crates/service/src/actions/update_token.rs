use pintle_api::{Scope, TokenResponse, UpdateTokenRequest};
use pintle_core::UnixTime;
use serde_json::json;

use super::revoke_token::find_own_token;
use crate::{
    Actor, AuditAction, Service, ServiceError, access::require_scope, audit::Event, input::check_label, respond,
};

impl Service {
    /// Gives a token of the actor's account another name.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::ValueInvalid`], and those of access.
    pub async fn update_token(
        &self,
        actor: &Actor,
        token: &str,
        request: &UpdateTokenRequest,
        now: UnixTime,
    ) -> Result<TokenResponse, ServiceError> {
        require_scope(actor, Scope::Admin)?;
        check_label("name", &request.name)?;
        let tx = self.begin_change(actor, now).await?;
        let mut row = find_own_token(&tx, actor, token).await?;
        tx.save_token_name(&row.id, &request.name).await?;
        let before = std::mem::replace(&mut row.name, request.name.clone());
        for chain in tx.list_token_chains(&row).await? {
            let event = Event::new(chain, AuditAction::TokenRenamed, "token", row.id.as_str());
            tx.record(event.named(&row.name).before(json!({ "name": before }))).await?;
        }
        tx.commit_recorded().await?;
        Ok(respond::token(&row, Some(&actor.account_name)))
    }
}
