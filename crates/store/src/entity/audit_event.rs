use sea_orm::entity::prelude::*;

use crate::{AccountId, ProjectId, Unsigned};

/// One event of an audit chain.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_event")]
pub struct Model {
    /// The chain it belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub chain: String,
    /// Place in the chain: 1, 2, …
    #[sea_orm(primary_key, auto_increment = false)]
    pub seq: Unsigned,
    /// Seconds since 1970 UTC.
    pub at: Unsigned,
    /// What happened.
    pub action: String,
    /// Whose account did it, if one did.
    pub account_id: Option<AccountId>,
    /// The project it is about, if it is about one.
    pub project_id: Option<ProjectId>,
    /// Id of what it happened to.
    pub target_id: Option<String>,
    /// The event as it is hashed.
    pub record: String,
    /// SHA-256 over the hash before it and `record`, lower-case hexadecimal.
    pub hash: String,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
