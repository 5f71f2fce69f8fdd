use pintle_api::{ListQuery, ListResponse, OrganizationResponse, Scope};
use pintle_store::Membership;

use crate::{
    Actor, Service, ServiceError,
    access::miss_scope,
    page::{close_page, open_page},
    respond,
};

impl Service {
    /// The organizations of the actor, as far as the credential reaches, by name.
    ///
    /// # Errors
    /// [`ServiceError::CursorInvalid`], [`ServiceError::ScopeMissing`], [`ServiceError::Store`].
    pub async fn list_organizations(
        &self,
        actor: &Actor,
        query: &ListQuery,
    ) -> Result<ListResponse<OrganizationResponse>, ServiceError> {
        if !actor.scopes.contains(&Scope::Read) {
            return Err(miss_scope(actor, Scope::Read));
        }
        let page = open_page(query)?;
        let tx = self.store.read().await?;
        let members = match actor.reach.organization() {
            Some(only) => tx.find_membership(&actor.account_id, only).await?.into_iter().collect(),
            None => tx.list_memberships(&actor.account_id, &page).await?,
        };
        let key = |member: &Membership| (member.organization.name.clone(), member.organization.id.to_string());
        close_page(&page, members, key, |member| Ok(respond::organization(member)))
    }
}
