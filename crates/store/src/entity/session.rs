use sea_orm::entity::prelude::*;

use crate::{AccountId, SessionId, Unsigned};

/// Somebody signed in; the secret itself is not kept.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "session")]
pub struct Model {
    /// `ses_…`
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SessionId,
    /// Who is signed in.
    pub account_id: AccountId,
    /// SHA-256 of the whole secret, lower-case hexadecimal; unique.
    pub secret_sha256: String,
    /// How they signed in, as `password`.
    pub method: String,
    /// What they signed in with, coarsely.
    pub client: String,
    /// Keyed digest of the network they signed in from.
    pub network_tag: Option<String>,
    /// Seconds since 1970 UTC.
    pub created_at: Unsigned,
    /// When they last proved who they are; seconds since 1970 UTC.
    pub authenticated_at: Unsigned,
    /// Seconds since 1970 UTC.
    pub last_used_at: Unsigned,
    /// Refused from this second (since 1970 UTC) on.
    pub expires_at: Unsigned,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
