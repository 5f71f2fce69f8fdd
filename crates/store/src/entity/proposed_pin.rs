use sea_orm::entity::prelude::*;

use crate::{DomainId, PinId, Unsigned};

/// A key that the monitor saw and proposes to pin; it counts for nothing until a person adds it.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "proposed_pin")]
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
    /// Where it was seen, and what it was.
    pub reason: String,
    /// Seconds since 1970 UTC.
    pub proposed_at: Unsigned,
    /// When somebody said no, so that it is not proposed again: seconds since 1970 UTC.
    pub dismissed_at: Option<Unsigned>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
