use sea_orm::entity::prelude::*;

use crate::{DueKind, ProjectId, Unsigned};

/// When something of a project ends.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "due_date")]
pub struct Model {
    /// The project.
    #[sea_orm(primary_key, auto_increment = false)]
    pub project_id: ProjectId,
    /// What ends.
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: DueKind,
    /// Which one: a host, a pin of a domain, the number of a release.
    #[sea_orm(primary_key, auto_increment = false)]
    pub subject: String,
    /// When: seconds since 1970 UTC.
    pub due_at: Unsigned,
    /// When that was seen last: seconds since 1970 UTC.
    pub noted_at: Unsigned,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
