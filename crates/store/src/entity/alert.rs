use sea_orm::entity::prelude::*;

use crate::{AlertId, OrganizationId, ProjectId, Unsigned};

/// A condition that members should know of, or a thing that happened once.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "alert")]
pub struct Model {
    /// `alr_…`
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AlertId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// The project it is about, if it is about one.
    pub project_id: Option<ProjectId>,
    /// As the table of kinds spells it.
    pub kind: String,
    /// As the table of kinds spells it.
    pub severity: String,
    /// What it is about: a host, a target, the number of a release.
    pub subject: String,
    /// What is the matter, in a sentence.
    pub detail: String,
    /// Grows as it becomes more urgent.
    pub stage: Unsigned,
    /// Seconds since 1970 UTC.
    pub raised_at: Unsigned,
    /// When it was told last: seconds since 1970 UTC.
    pub told_at: Unsigned,
    /// When it was over; of what happened once, when it happened. `None`: it holds.
    pub resolved_at: Option<Unsigned>,
    /// Names the condition while it holds.
    pub open_key: Option<String>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
