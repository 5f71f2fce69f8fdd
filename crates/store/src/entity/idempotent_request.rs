use sea_orm::entity::prelude::*;

use crate::{AccountId, Unsigned};

/// A request that was carried out and came with an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotent_request")]
pub struct Model {
    /// Who asked.
    #[sea_orm(primary_key, auto_increment = false)]
    pub account_id: AccountId,
    /// SHA-256 of the key, lower-case hexadecimal.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key_sha256: String,
    /// SHA-256 over the key and the request, lower-case hexadecimal.
    pub fingerprint: String,
    /// Names the one request that made this row.
    pub attempt: String,
    /// Seconds since 1970 UTC.
    pub created_at: Unsigned,
    /// HTTP status of the answer, once there is one.
    pub status: Option<Unsigned>,
    /// Its headers, one per line, as `name: value`.
    pub headers: Option<String>,
    /// Its body, where that is kept.
    pub body: Option<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
