use sea_orm::entity::prelude::*;

use crate::{AccountId, Unsigned};

/// The authenticator of an account (RFC 6238).
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "totp")]
pub struct Model {
    /// Whose it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub account_id: AccountId,
    /// Sealed with the server's key.
    pub secret: String,
    /// Seconds since 1970 UTC; `None` while it is being set up.
    pub confirmed_at: Option<Unsigned>,
    /// The newest time step whose code was used.
    pub last_step: Unsigned,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
