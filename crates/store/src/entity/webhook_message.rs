use sea_orm::entity::prelude::*;

use crate::{MessageId, Unsigned, WebhookId};

/// What a webhook is to be told, or was.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_message")]
pub struct Model {
    /// `msg_…`; the same in every attempt.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: MessageId,
    /// Where it goes.
    pub webhook_id: WebhookId,
    /// Kind of the alert.
    pub kind: String,
    /// Exactly what is sent.
    pub body: String,
    /// How often it was tried.
    pub attempts: Unsigned,
    /// When to try, or when the lease ends; `None`: it is done.
    pub run_at: Option<Unsigned>,
    /// Who is at it.
    pub lease: Option<String>,
    /// When it was taken: seconds since 1970 UTC.
    pub delivered_at: Option<Unsigned>,
    /// Why the last attempt failed.
    pub error: Option<String>,
    /// Seconds since 1970 UTC.
    pub created_at: Unsigned,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
