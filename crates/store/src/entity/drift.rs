use sea_orm::entity::prelude::*;

use crate::{ProjectId, Unsigned};

/// What the world shows of the live release from one vantage point: of a domain, or of a place that apps fetch it from.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "drift")]
pub struct Model {
    /// The project.
    #[sea_orm(primary_key, auto_increment = false)]
    pub project_id: ProjectId,
    /// What `subject` is, as the API spells it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: String,
    /// Name of the domain, or base URL of the place.
    #[sea_orm(primary_key, auto_increment = false)]
    pub subject: String,
    /// Who looks.
    #[sea_orm(primary_key, auto_increment = false)]
    pub vantage: String,
    /// As the API spells it; none: not seen often enough to say.
    pub state: Option<String>,
    /// Since when: seconds since 1970 UTC.
    pub since: Option<Unsigned>,
    /// What the last look found, in words.
    pub detail: String,
    /// What the last looks found, and is not believed yet.
    pub pending_state: Option<String>,
    /// How often in a row they did.
    pub pending_count: Unsigned,
    /// Which pins `primary_pins` is about: a digest of them.
    pub pins_sha256: Option<String>,
    /// The pins, as `TYPE:DIGEST` separated by spaces, that matched when the domain had these pins for the first time.
    pub primary_pins: Option<String>,
    /// Number of the release it was compared with.
    pub version: Unsigned,
    /// When it was looked at last: seconds since 1970 UTC.
    pub seen_at: Option<Unsigned>,
    /// When it is to be looked at, or the lease ends: seconds since 1970 UTC; none: whenever somebody else reports.
    pub due_at: Option<Unsigned>,
    /// Who looks right now, or did last.
    pub lease: Option<String>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
