use sea_orm::entity::prelude::*;

use crate::{AccountId, Unsigned};

/// A personal value that an audit event holds a commitment to.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_personal")]
pub struct Model {
    /// The chain of the event.
    #[sea_orm(primary_key, auto_increment = false)]
    pub chain: String,
    /// Place of the event in the chain.
    #[sea_orm(primary_key, auto_increment = false)]
    pub seq: Unsigned,
    /// Name of the value in the event.
    #[sea_orm(primary_key, auto_increment = false)]
    pub field: String,
    /// Whose value it is, where that is known.
    pub account_id: Option<AccountId>,
    /// The value.
    pub value: String,
    /// 32 bytes, lower-case hexadecimal.
    pub salt: String,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// The event that holds the commitment.
    #[sea_orm(
        belongs_to = "super::audit_event::Entity",
        from = "(Column::Chain, Column::Seq)",
        to = "(super::audit_event::Column::Chain, super::audit_event::Column::Seq)"
    )]
    Event,
}

impl ActiveModelBehavior for ActiveModel {}
