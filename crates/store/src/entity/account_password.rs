use sea_orm::entity::prelude::*;

use crate::{AccountId, Unsigned};

/// The password of an account.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "account_password")]
pub struct Model {
    /// Whose password it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub account_id: AccountId,
    /// Argon2id in PHC form.
    pub hash: String,
    /// Seconds since 1970 UTC.
    pub changed_at: Unsigned,
    /// Until then it signs in although single sign-on is required; seconds since 1970 UTC.
    pub break_glass_until: Option<Unsigned>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
