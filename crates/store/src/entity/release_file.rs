use sea_orm::entity::prelude::*;

use crate::{ProjectId, Unsigned};

/// The signed file of a release.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "release_file")]
pub(crate) struct Model {
    /// The project.
    #[sea_orm(primary_key, auto_increment = false)]
    pub project_id: ProjectId,
    /// Release number.
    #[sea_orm(primary_key, auto_increment = false)]
    pub version: Unsigned,
    /// The exact file.
    pub jws: String,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
