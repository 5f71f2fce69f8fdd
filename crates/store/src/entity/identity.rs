use sea_orm::entity::prelude::*;

use crate::{AccountId, IdentityId, Unsigned};

/// Somebody whom a provider of single sign-on vouches for, and whose account that is.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "identity")]
pub struct Model {
    /// `idn_…`
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: IdentityId,
    /// Whose it is.
    pub account_id: AccountId,
    /// The provider's name in the configuration when it was linked.
    pub provider: String,
    /// The provider itself; with `subject` unique.
    pub issuer: String,
    /// Whom the provider means.
    pub subject: String,
    /// The address that the provider gave, for people.
    pub email: Option<String>,
    /// Seconds since 1970 UTC.
    pub created_at: Unsigned,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
