use sea_orm::entity::prelude::*;

use crate::{AccountId, ProjectId, ReleaseId, ReleaseKind, ReleaseSource, ReleaseState, Unsigned};

/// An accepted release.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "release")]
pub struct Model {
    /// `rel_…`
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ReleaseId,
    /// The project.
    pub project_id: ProjectId,
    /// Release number.
    pub version: Unsigned,
    /// SHA-256 of the claims, lower-case hexadecimal.
    pub claims_sha256: String,
    /// What it says.
    pub kind: ReleaseKind,
    /// Where it came from.
    pub source: ReleaseSource,
    /// How far its publication is.
    pub state: ReleaseState,
    /// Who submitted it.
    pub accepted_by: AccountId,
    /// Seconds since 1970 UTC.
    pub accepted_at: Unsigned,
    /// Not published before this second (since 1970 UTC).
    pub publish_at: Option<Unsigned>,
    /// Who agreed to it, where a second person has to.
    pub approved_by: Option<AccountId>,
    /// Seconds since 1970 UTC.
    pub approved_at: Option<Unsigned>,
    /// Since when every target serves it.
    pub live_at: Option<Unsigned>,
    /// JSON of the guard's errors that it was made in spite of, with who and why.
    pub overridden: Option<String>,
    /// When what is looked at was brought in line with it: seconds since 1970 UTC.
    pub watched_at: Option<Unsigned>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
