use sea_orm::entity::prelude::*;

use crate::{AccountId, OrganizationId, Unsigned, WebhookFormat, WebhookId};

/// A place of the organization's choice that is told of alerts.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook")]
pub struct Model {
    /// `whk_…`
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: WebhookId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// Scheme, host and port of the URL.
    pub shown_url: String,
    /// The whole URL, sealed.
    pub url: String,
    /// What is sent.
    pub format: WebhookFormat,
    /// Kinds of alerts it is told of, separated by blanks; empty: all of them.
    pub kinds: String,
    /// What messages are signed with, sealed.
    pub secret: String,
    /// What they are signed with as well, sealed.
    pub former_secret: Option<String>,
    /// Until when: seconds since 1970 UTC.
    pub former_until: Option<Unsigned>,
    /// Not to be used before this second (since 1970 UTC).
    pub free_at: Unsigned,
    /// Since when every attempt failed: seconds since 1970 UTC.
    pub failing_since: Option<Unsigned>,
    /// Since when it is not used any more: seconds since 1970 UTC.
    pub disabled_at: Option<Unsigned>,
    /// Who added it.
    pub created_by: AccountId,
    /// Seconds since 1970 UTC.
    pub created_at: Unsigned,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
