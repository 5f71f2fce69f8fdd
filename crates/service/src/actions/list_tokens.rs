use pintle_api::{ListQuery, ListResponse, Scope, TokenResponse};
use pintle_store::TokenRow;

use crate::{
    Actor, Service, ServiceError,
    access::{Permission, find_organization, require_scope},
    page::{close_page, open_page},
    respond,
};

impl Service {
    /// The API tokens of the actor's account that are not revoked, oldest first.
    ///
    /// # Errors
    /// [`ServiceError::CursorInvalid`], [`ServiceError::ScopeMissing`], [`ServiceError::Grant`], [`ServiceError::Store`].
    pub async fn list_tokens(
        &self,
        actor: &Actor,
        query: &ListQuery,
    ) -> Result<ListResponse<TokenResponse>, ServiceError> {
        require_scope(actor, Scope::Read)?;
        let page = open_page(query)?;
        let tokens = self.store.read().await?.list_tokens(&actor.account_id, &page).await?;
        let key = |token: &TokenRow| token.id.to_string();
        close_page(&page, tokens, key, |token| Ok(respond::token(token, Some(&actor.account_name))))
    }

    /// The API tokens limited to an organization or a project of it, whosever they are, oldest first.
    ///
    /// # Errors
    /// [`ServiceError::CursorInvalid`], [`ServiceError::NotFound`], [`ServiceError::RoleInsufficient`],
    /// [`ServiceError::Store`].
    pub async fn list_organization_tokens(
        &self,
        actor: &Actor,
        organization: &str,
        query: &ListQuery,
    ) -> Result<ListResponse<TokenResponse>, ServiceError> {
        let tx = self.store.read().await?;
        let own = find_organization(&tx, actor, organization, Permission::ManageMembers).await?;
        let page = open_page(query)?;
        let tokens = tx.list_bound_tokens(&own.scope, &page).await?;
        let key = |(token, _): &(TokenRow, _)| token.id.to_string();
        close_page(&page, tokens, key, |(token, name)| Ok(respond::token(token, name.as_deref())))
    }
}
