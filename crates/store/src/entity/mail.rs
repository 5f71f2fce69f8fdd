use sea_orm::entity::prelude::*;

use crate::{AccountId, InvitationId, MailId, MailKind, Unsigned};

/// A mail to be sent, or sent a short while ago.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "mail")]
pub struct Model {
    /// `mail_…`
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: MailId,
    /// What it says.
    pub kind: MailKind,
    /// Where it goes.
    pub address: String,
    /// The address in lower case.
    pub address_key: String,
    /// The account it is about, where that is known before it is sent.
    pub account_id: Option<AccountId>,
    /// The invitation it is about.
    pub invitation_id: Option<InvitationId>,
    /// How often it was tried to send it.
    pub attempts: Unsigned,
    /// When to send it, or when its lease ends; `None`: sent.
    pub run_at: Option<Unsigned>,
    /// Who is at it.
    pub lease: Option<String>,
    /// Seconds since 1970 UTC.
    pub created_at: Unsigned,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
