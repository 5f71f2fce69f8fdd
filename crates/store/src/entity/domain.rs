use sea_orm::entity::prelude::*;

use crate::{DomainId, ProjectId, Unsigned};

/// A domain of a draft.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "domain")]
pub struct Model {
    /// `dom_…`
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: DomainId,
    /// The project.
    pub project_id: ProjectId,
    /// As the configuration spells it.
    pub name: String,
    /// As it was typed.
    pub display_name: String,
    /// 0 (report) to 100 (always).
    pub enforce_percent: Unsigned,
    /// As the configuration spells it.
    pub trust: String,
    /// `ct.policy` as the configuration spells it.
    pub ct_policy: String,
    /// `ct.min`: how many distinct logs.
    pub ct_min: Unsigned,
    /// `ct.logs`: ids in base64, separated by spaces; none: all logs of the draft.
    pub ct_logs: Option<String>,
    /// Endpoints that stand for it when somebody looks: `host:port`, separated by spaces.
    pub watch: Option<String>,
    /// What the monitor may propose by itself: `off`, `live`, `live_and_ct`.
    pub auto_draft: String,
    /// The change of its servers' key that is under way, as JSON.
    pub rotation: Option<String>,
    /// Seconds since 1970 UTC.
    pub created_at: Unsigned,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
