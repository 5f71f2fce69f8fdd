use sea_orm::entity::prelude::*;

use crate::{ProjectId, TargetState, Unsigned};

/// How far a release is at one publish target.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "release_target")]
pub struct Model {
    /// The project.
    #[sea_orm(primary_key, auto_increment = false)]
    pub project_id: ProjectId,
    /// Release number.
    #[sea_orm(primary_key, auto_increment = false)]
    pub version: Unsigned,
    /// What logs call the target.
    #[sea_orm(primary_key, auto_increment = false)]
    pub target: String,
    /// How far it is.
    pub state: TargetState,
    /// Why the last attempt failed, if it did.
    pub error: Option<String>,
    /// When it was tried last: seconds since 1970 UTC.
    pub tried_at: Option<Unsigned>,
    /// Since when the target was seen to serve it.
    pub live_at: Option<Unsigned>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
