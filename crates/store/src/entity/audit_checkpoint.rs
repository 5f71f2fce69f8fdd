use sea_orm::entity::prelude::*;

use crate::Unsigned;

/// Where a chain begins after its oldest events were removed.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_checkpoint")]
pub struct Model {
    /// The chain.
    #[sea_orm(primary_key, auto_increment = false)]
    pub chain: String,
    /// Place of the last event removed.
    pub seq: Unsigned,
    /// Its hash, lower-case hexadecimal.
    pub hash: String,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
