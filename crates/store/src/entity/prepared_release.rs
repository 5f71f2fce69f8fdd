use sea_orm::entity::prelude::*;

use crate::{ProjectId, Unsigned};

/// Claims that wait for their signature.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "prepared_release")]
pub struct Model {
    /// The project.
    #[sea_orm(primary_key, auto_increment = false)]
    pub project_id: ProjectId,
    /// Release number fixed in the claims.
    #[sea_orm(primary_key, auto_increment = false)]
    pub version: Unsigned,
    /// The exact claims.
    pub claims: String,
    /// Seconds since 1970 UTC.
    pub prepared_at: Unsigned,
    /// JSON of the guard's errors that it was made in spite of, with who and why.
    pub overridden: Option<String>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
