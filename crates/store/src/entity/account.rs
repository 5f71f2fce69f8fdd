use sea_orm::entity::prelude::*;

use crate::{AccountId, Unsigned};

/// A person or machine that signs in.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "account")]
pub struct Model {
    /// `acc_…`
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AccountId,
    /// Name for people.
    pub name: String,
    /// Seconds since 1970 UTC.
    pub created_at: Unsigned,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
