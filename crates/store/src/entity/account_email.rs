use sea_orm::entity::prelude::*;

use crate::{AccountId, Unsigned};

/// The address of an account; it was shown to receive mail.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "account_email")]
pub struct Model {
    /// Whose address it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub account_id: AccountId,
    /// As people write it, its domain as A-label in lower case.
    pub address: String,
    /// The address in lower case, unique.
    pub address_key: String,
    /// Seconds since 1970 UTC.
    pub verified_at: Unsigned,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
