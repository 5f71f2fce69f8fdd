use sea_orm::entity::prelude::*;

use crate::{AccountId, ProjectId, Unsigned};

/// A destination of the operator's that gets the releases of a project.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "publish_target")]
pub struct Model {
    /// The project.
    #[sea_orm(primary_key, auto_increment = false)]
    pub project_id: ProjectId,
    /// Name of the destination in the operator's configuration, and of the target.
    #[sea_orm(primary_key, auto_increment = false)]
    pub destination: String,
    /// Who added it.
    pub added_by: AccountId,
    /// Seconds since 1970 UTC.
    pub added_at: Unsigned,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
