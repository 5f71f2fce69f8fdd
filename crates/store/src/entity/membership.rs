use sea_orm::entity::prelude::*;

use crate::{AccountId, OrganizationId, Role, Unsigned};

/// An account's place in an organization.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "membership")]
pub(crate) struct Model {
    /// The organization.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: OrganizationId,
    /// The member.
    #[sea_orm(primary_key, auto_increment = false)]
    pub account_id: AccountId,
    /// What the member is there.
    pub role: Role,
    /// Seconds since 1970 UTC.
    pub created_at: Unsigned,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
