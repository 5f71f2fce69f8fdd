use sea_orm::entity::prelude::*;

use crate::{AccountId, PasskeyBackup, PasskeyId, Unsigned};

/// A passkey of an account.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "passkey")]
pub struct Model {
    /// `psk_…`
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PasskeyId,
    /// Whose it is; the user handle that the authenticator tells.
    pub account_id: AccountId,
    /// What its owner calls it.
    pub name: String,
    /// What the authenticator calls it; unique.
    pub credential_id: Vec<u8>,
    /// As the verifying library writes it.
    pub public_key: Vec<u8>,
    /// The last count that its authenticator told; 0 of one that does not count.
    pub sign_count: Unsigned,
    /// Whether other devices have it, too.
    pub backup: PasskeyBackup,
    /// A set of bits of the verifying library.
    pub transports: Unsigned,
    /// Seconds since 1970 UTC.
    pub created_at: Unsigned,
    /// Seconds since 1970 UTC.
    pub last_used_at: Option<Unsigned>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
