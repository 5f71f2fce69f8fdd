use sea_orm::entity::prelude::*;

use crate::AccountId;

/// A code that stands in for the authenticator, once.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "recovery_code")]
pub(crate) struct Model {
    /// Whose it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) account_id: AccountId,
    /// SHA-256 of the code, lower-case hexadecimal.
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) code_sha256: String,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
