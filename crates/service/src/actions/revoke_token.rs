use pintle_api::Scope;
use pintle_core::UnixTime;
use pintle_store::{ReadTx, TokenId, TokenRow};

use crate::{
    Actor, AuditAction, Service, ServiceError,
    access::{Permission, find_organization, require_scope},
    audit::Event,
    change::Change,
};

const MISSING: ServiceError = ServiceError::NotFound { what: "API token" };

impl Service {
    /// Ends a token of the actor's account for good. Whatever it may do, a token may end itself.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], and those of access.
    pub async fn revoke_token(&self, actor: &Actor, token: &str, now: UnixTime) -> Result<(), ServiceError> {
        if token != actor.credential.id() {
            require_scope(actor, Scope::Admin)?;
        }
        let tx = self.begin_change(actor, now).await?;
        let row = find_own_token(&tx, actor, token).await?;
        revoke(tx, &row, now).await
    }

    /// Ends a token that is limited to an organization or a project of it, whosever it is.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], and those of access.
    pub async fn revoke_organization_token(
        &self,
        actor: &Actor,
        organization: &str,
        token: &str,
        now: UnixTime,
    ) -> Result<(), ServiceError> {
        let tx = self.begin_change(actor, now).await?;
        let own = find_organization(&tx, actor, organization, Permission::ManageMembers).await?;
        let Ok(id) = TokenId::parse(token) else { return Err(MISSING) };
        let row = tx.find_bound_token(&own.scope, &id).await?.ok_or(MISSING)?;
        revoke(tx, &row, now).await
    }
}

async fn revoke(tx: Change, row: &TokenRow, now: UnixTime) -> Result<(), ServiceError> {
    tx.revoke_token(&row.id, now.as_secs()).await?;
    for chain in tx.list_token_chains(row).await? {
        let event = Event::new(chain, AuditAction::TokenRevoked, "token", row.id.as_str());
        tx.record(event.named(&row.name)).await?;
    }
    tx.commit_recorded().await?;
    tracing::info!(token.id = %row.id, "token revoked");
    Ok(())
}

pub(super) async fn find_own_token(tx: &ReadTx, actor: &Actor, token: &str) -> Result<TokenRow, ServiceError> {
    let Ok(id) = TokenId::parse(token) else { return Err(MISSING) };
    tx.find_token_of(&actor.account_id, &id).await?.ok_or(MISSING)
}
