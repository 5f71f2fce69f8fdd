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
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
