use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::{
    AccountId, OrganizationId, OrganizationRow, Page, ReadTx, Role, StoreError, WriteTx,
    entity::{membership, organization},
};

/// The right to ask for rows of one organization: exists only as part of a [`Membership`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrganizationScope {
    pub(crate) id: OrganizationId,
}

/// An account's place in an organization.
#[derive(Clone, Debug)]
pub struct Membership {
    /// The organization.
    pub organization: OrganizationRow,
    /// What the account is there.
    pub role: Role,
    /// The way to the organization's rows.
    pub scope: OrganizationScope,
}

impl ReadTx {
    /// `account`'s place in `organization`; `None` when it has none, or when there is no such organization.
    pub async fn find_membership(
        &self,
        account: &AccountId,
        organization: &OrganizationId,
    ) -> Result<Option<Membership>, StoreError> {
        let key = (organization.clone(), account.clone());
        let Some(member) = membership::Entity::find_by_id(key).one(self.connection()).await? else { return Ok(None) };
        let found = organization::Entity::find_by_id(organization.clone()).one(self.connection()).await?;
        Ok(found.map(|organization| Membership::new(organization, member.role)))
    }

    /// Organizations of `account`, by name and id.
    pub async fn list_memberships(
        &self,
        account: &AccountId,
        page: &Page<(String, String)>,
    ) -> Result<Vec<Membership>, StoreError> {
        let members = membership::Entity::find()
            .filter(membership::Column::AccountId.eq(account.clone()))
            .all(self.connection())
            .await?;
        let ids = members.iter().map(|member| member.organization_id.clone());
        let list = organization::Entity::find()
            .filter(organization::Column::Id.is_in(ids))
            .cursor_by((organization::Column::Name, organization::Column::Id));
        let organizations = self.list_page(list, page).await?;
        let role_in = |id: &OrganizationId| members.iter().find(|member| member.organization_id == *id).map(|m| m.role);
        Ok(organizations
            .into_iter()
            .filter_map(|organization| Some(Membership::new(organization.clone(), role_in(&organization.id)?)))
            .collect())
    }
}

impl WriteTx {
    /// Adds an organization and its owner.
    pub async fn insert_organization(
        &self,
        organization: OrganizationRow,
        owner: &AccountId,
    ) -> Result<Membership, StoreError> {
        self.insert::<organization::Entity, _>(organization.clone()).await?;
        self.insert::<membership::Entity, _>(membership::Model {
            organization_id: organization.id.clone(),
            account_id: owner.clone(),
            role: Role::Owner,
            created_at: organization.created_at,
        })
        .await?;
        Ok(Membership::new(organization, Role::Owner))
    }
}

impl Membership {
    fn new(organization: OrganizationRow, role: Role) -> Self {
        let scope = OrganizationScope { id: organization.id.clone() };
        Self { organization, role, scope }
    }
}
