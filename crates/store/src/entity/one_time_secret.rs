use sea_orm::entity::prelude::*;

use crate::{AccountId, Unsigned};

/// What waits for a secret to come back, once; the secret itself is not kept.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "one_time_secret")]
pub struct Model {
    /// SHA-256 of the whole secret, lower-case hexadecimal.
    #[sea_orm(primary_key, auto_increment = false)]
    pub secret_sha256: String,
    /// What for.
    pub purpose: String,
    /// Whose affair it is, where that is known.
    pub account_id: Option<AccountId>,
    /// What is needed when it comes back: JSON.
    pub state: String,
    /// Refused from this second (since 1970 UTC) on.
    pub expires_at: Unsigned,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
