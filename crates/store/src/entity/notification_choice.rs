use sea_orm::entity::prelude::*;

use crate::{AccountId, MailChoice, OrganizationId, Unsigned};

/// What a member chose to be told.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "notification_choice")]
pub struct Model {
    /// The organization.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: OrganizationId,
    /// The member.
    #[sea_orm(primary_key, auto_increment = false)]
    pub account_id: AccountId,
    /// Whether and when mail is sent.
    pub mail: MailChoice,
    /// Kinds of alerts that are wanted though the role does not suggest them, separated by blanks.
    pub wanted: String,
    /// Kinds that are not wanted though the role suggests them.
    pub unwanted: String,
    /// When the last digest was due: seconds since 1970 UTC.
    pub digest_at: Option<Unsigned>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
