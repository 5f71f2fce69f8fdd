use pintle_api::{ListQuery, ListResponse, MemberResponse};

use crate::{
    Actor, Service, ServiceError,
    access::{Permission, find_organization},
    page::{close_page, open_page},
    respond,
};

impl Service {
    /// The members of an organization, by account.
    ///
    /// # Errors
    /// [`ServiceError::CursorInvalid`], [`ServiceError::NotFound`], [`ServiceError::Store`].
    pub async fn list_members(
        &self,
        actor: &Actor,
        organization: &str,
        query: &ListQuery,
    ) -> Result<ListResponse<MemberResponse>, ServiceError> {
        let tx = self.store.read().await?;
        let member = find_organization(&tx, actor, organization, Permission::Read).await?;
        let page = open_page(query)?;
        let members = tx.list_members(&member.scope, &page).await?;
        close_page(&page, members, |member| member.account.id.to_string(), |member| Ok(respond::member(member)))
    }
}
