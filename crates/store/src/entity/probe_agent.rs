use sea_orm::entity::prelude::*;

use crate::{AccountId, AgentId, OrganizationId, Unsigned};

/// A program inside another network that reports what it sees there.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "probe_agent")]
pub struct Model {
    /// `agt_…`
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AgentId,
    /// The organization whose domains it may report on.
    pub organization_id: OrganizationId,
    /// Name, and vantage point.
    pub name: String,
    /// The key that signs its reports: DER SubjectPublicKeyInfo in base64.
    pub public_key: String,
    /// Who added it.
    pub added_by: AccountId,
    /// Seconds since 1970 UTC.
    pub added_at: Unsigned,
    /// Number of the last report that was taken; 0: none was.
    pub last_seq: Unsigned,
    /// When it came: seconds since 1970 UTC.
    pub last_report_at: Option<Unsigned>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
