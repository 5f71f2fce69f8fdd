use sea_orm::entity::prelude::*;

use crate::{ProjectId, Unsigned};

/// What apps reported of one project on one day.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "violation_count")]
pub struct Model {
    /// The project.
    #[sea_orm(primary_key, auto_increment = false)]
    pub project_id: ProjectId,
    /// First second of the day, since 1970 UTC.
    #[sea_orm(primary_key, auto_increment = false)]
    pub day: Unsigned,
    /// Entry as the configuration spells it; empty: none decided.
    #[sea_orm(primary_key, auto_increment = false)]
    pub domain: String,
    /// Code of the decision.
    #[sea_orm(primary_key, auto_increment = false)]
    pub code: String,
    /// The release that decided; 0: none.
    #[sea_orm(primary_key, auto_increment = false)]
    pub version: Unsigned,
    /// Connections refused.
    pub refused: Unsigned,
    /// Connections allowed although something was wrong.
    pub reported: Unsigned,
    /// Reports that told of it.
    pub reports: Unsigned,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
