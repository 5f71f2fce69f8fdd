use sea_orm::entity::prelude::*;

use crate::{OrganizationId, Unsigned};

/// An owner of projects.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "organization")]
pub struct Model {
    /// `org_…`
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OrganizationId,
    /// Name for people.
    pub name: String,
    /// Seconds since 1970 UTC.
    pub created_at: Unsigned,
    /// Since when members must have come by single sign-on; `None`: they need not. Seconds since 1970 UTC.
    pub sso_required_at: Option<Unsigned>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
