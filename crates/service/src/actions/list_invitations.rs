use pintle_api::{InvitationResponse, ListQuery, ListResponse};
use pintle_core::UnixTime;

use crate::{
    Actor, Service, ServiceError,
    access::{Permission, find_organization},
    page::{close_page, open_page},
    respond,
};

impl Service {
    /// The invitations that wait for their answer, oldest first.
    ///
    /// # Errors
    /// [`ServiceError::CursorInvalid`], [`ServiceError::NotFound`], [`ServiceError::RoleInsufficient`], [`ServiceError::Store`].
    pub async fn list_invitations(
        &self,
        actor: &Actor,
        organization: &str,
        query: &ListQuery,
        now: UnixTime,
    ) -> Result<ListResponse<InvitationResponse>, ServiceError> {
        let tx = self.store.read().await?;
        let own = find_organization(&tx, actor, organization, Permission::ManageMembers).await?;
        let page = open_page(query)?;
        let open = tx.list_invitations(&own.scope, now.as_secs(), &page).await?;
        close_page(&page, open, |row| row.id.to_string(), |row| Ok(respond::invitation(row)))
    }
}
