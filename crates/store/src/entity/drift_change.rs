use sea_orm::entity::prelude::*;

use crate::{ProjectId, Unsigned};

/// A change of what the world shows of a live release.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "drift_change")]
pub struct Model {
    /// The project.
    #[sea_orm(primary_key, auto_increment = false)]
    pub project_id: ProjectId,
    /// Number of the change in its project, from 1 on.
    #[sea_orm(primary_key, auto_increment = false)]
    pub seq: Unsigned,
    /// What `subject` is, as the API spells it.
    pub kind: String,
    /// Name of the domain, or base URL of the place.
    pub subject: String,
    /// Who saw it.
    pub vantage: String,
    /// Seconds since 1970 UTC.
    pub at: Unsigned,
    /// State before; none: it was looked at for the first time.
    pub before: Option<String>,
    /// State from then on.
    pub after: String,
    /// What was found, in words.
    pub detail: String,
    /// Number of the release it was compared with.
    pub version: Unsigned,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
