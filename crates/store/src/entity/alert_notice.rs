use sea_orm::entity::prelude::*;

use crate::{AccountId, AlertChange, AlertId, MailChoice, Unsigned};

/// What a member is still to be told.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "alert_notice")]
pub struct Model {
    /// Who.
    #[sea_orm(primary_key, auto_increment = false)]
    pub account_id: AccountId,
    /// Of what.
    #[sea_orm(primary_key, auto_increment = false)]
    pub alert_id: AlertId,
    /// What became of it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub change: AlertChange,
    /// In which mail.
    pub mail: MailChoice,
    /// Seconds since 1970 UTC.
    pub created_at: Unsigned,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
