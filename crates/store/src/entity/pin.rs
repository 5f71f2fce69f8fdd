use sea_orm::entity::prelude::*;

use crate::{DomainId, PinId, Unsigned};

/// A pin of a domain.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "pin")]
pub struct Model {
    /// `pin_…`
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PinId,
    /// The domain.
    pub domain_id: DomainId,
    /// As the configuration spells it.
    pub pin_type: String,
    /// Standard base64 with padding.
    pub digest: String,
    /// As the configuration spells it.
    pub pin_match: String,
    /// No longer counts from this second (since 1970 UTC) on.
    pub expires_at: Option<Unsigned>,
    /// Where it was taken from: `fetched`, `file`, `csr`, `ct`, `by_hand`.
    pub source: String,
    /// A note for people.
    pub label: Option<String>,
    /// Seconds since 1970 UTC.
    pub created_at: Unsigned,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
