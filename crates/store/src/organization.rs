use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, sea_query::Expr};

use crate::{
    AccountId, AccountRow, AuditChain, OrganizationId, OrganizationRow, Page, ReadTx, Role, StoreError, Unsigned,
    WriteTx,
    entity::{account, membership, notification_choice, organization},
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

/// A member of an organization, as the organization sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Who it is.
    pub account: AccountRow,
    /// What the account is there.
    pub role: Role,
    /// Since when: seconds since 1970 UTC.
    pub joined_at: Unsigned,
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

    /// One member of the organization.
    pub async fn find_member(
        &self,
        scope: &OrganizationScope,
        account: &AccountId,
    ) -> Result<Option<Member>, StoreError> {
        let member = members_of(scope).filter(membership::Column::AccountId.eq(account.clone()));
        let Some(member) = member.one(self.connection()).await? else { return Ok(None) };
        let account = account::Entity::find_by_id(account.clone()).one(self.connection()).await?;
        Ok(account.map(|account| Member::new(&member, account)))
    }

    /// Members of the organization, in the order of their accounts' ids.
    pub async fn list_members(
        &self,
        scope: &OrganizationScope,
        page: &Page<String>,
    ) -> Result<Vec<Member>, StoreError> {
        let members = self.list_page(members_of(scope).cursor_by(membership::Column::AccountId), page).await?;
        let ids = members.iter().map(|member| member.account_id.clone());
        let accounts = account::Entity::find().filter(account::Column::Id.is_in(ids)).all(self.connection()).await?;
        let account_of = |id: &AccountId| accounts.iter().find(|account| account.id == *id).cloned();
        Ok(members.iter().filter_map(|member| Some(Member::new(member, account_of(&member.account_id)?))).collect())
    }

    /// The chains of events of every organization of `account`.
    pub async fn list_audit_chains_of(&self, account: &AccountId) -> Result<Vec<AuditChain>, StoreError> {
        let members = membership::Entity::find()
            .filter(membership::Column::AccountId.eq(account.clone()))
            .order_by_asc(membership::Column::OrganizationId)
            .all(self.connection())
            .await?;
        let scopes = members.into_iter().map(|member| OrganizationScope { id: member.organization_id });
        Ok(scopes.map(|scope| AuditChain::from(&scope)).collect())
    }

    /// How many members of the organization have `role`.
    pub async fn count_members(&self, scope: &OrganizationScope, role: Role) -> Result<u64, StoreError> {
        Ok(members_of(scope).filter(membership::Column::Role.eq(role)).count(self.connection()).await?)
    }

    /// How many organizations `account` owns.
    pub async fn count_owned_organizations(&self, account: &AccountId) -> Result<u64, StoreError> {
        let owned = membership::Entity::find()
            .filter(membership::Column::AccountId.eq(account.clone()))
            .filter(membership::Column::Role.eq(Role::Owner));
        Ok(owned.count(self.connection()).await?)
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

    /// Saves what can be changed about an organization: its name, and whether it requires single sign-on.
    pub async fn save_organization(&self, scope: &OrganizationScope, row: &OrganizationRow) -> Result<(), StoreError> {
        organization::Entity::update_many()
            .col_expr(organization::Column::Name, Expr::value(row.name.as_str()))
            .col_expr(organization::Column::SsoRequiredAt, Expr::value(row.sso_required_at))
            .filter(organization::Column::Id.eq(scope.id.clone()))
            .exec(self.connection())
            .await?;
        Ok(())
    }

    /// Adds a member. [`StoreError::AlreadyExists`] when the account is one.
    pub async fn insert_member(
        &self,
        scope: &OrganizationScope,
        account: &AccountId,
        role: Role,
        now_secs: u64,
    ) -> Result<(), StoreError> {
        self.insert::<membership::Entity, _>(membership::Model {
            organization_id: scope.id.clone(),
            account_id: account.clone(),
            role,
            created_at: now_secs.into(),
        })
        .await
    }

    /// Gives a member another role.
    pub async fn save_role(
        &self,
        scope: &OrganizationScope,
        account: &AccountId,
        role: Role,
    ) -> Result<(), StoreError> {
        membership::Entity::update_many()
            .col_expr(membership::Column::Role, Expr::value(role))
            .filter(membership::Column::OrganizationId.eq(scope.id.clone()))
            .filter(membership::Column::AccountId.eq(account.clone()))
            .exec(self.connection())
            .await?;
        Ok(())
    }

    /// Takes a member out of the organization, with what the member chose there.
    pub async fn delete_member(&self, scope: &OrganizationScope, account: &AccountId) -> Result<(), StoreError> {
        let key = (scope.id.clone(), account.clone());
        notification_choice::Entity::delete_by_id(key).exec(self.connection()).await?;
        self.delete_calendar_feed(&scope.id, account).await?;
        membership::Entity::delete_many()
            .filter(membership::Column::OrganizationId.eq(scope.id.clone()))
            .filter(membership::Column::AccountId.eq(account.clone()))
            .exec(self.connection())
            .await?;
        Ok(())
    }
}

fn members_of(scope: &OrganizationScope) -> sea_orm::Select<membership::Entity> {
    membership::Entity::find().filter(membership::Column::OrganizationId.eq(scope.id.clone()))
}

impl Member {
    fn new(member: &membership::Model, account: AccountRow) -> Self {
        Self { account, role: member.role, joined_at: member.created_at }
    }
}

impl Membership {
    fn new(organization: OrganizationRow, role: Role) -> Self {
        let scope = OrganizationScope { id: organization.id.clone() };
        Self { organization, role, scope }
    }
}
