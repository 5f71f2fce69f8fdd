use sea_orm::entity::prelude::*;

use crate::{JobId, JobKind, Unsigned};

/// Work that a committed change still owes: the outbox.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "job")]
pub struct Model {
    /// `job_…`
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: JobId,
    /// What is to be done.
    pub kind: JobKind,
    /// The id of what it is about; one job per kind and subject.
    pub subject: String,
    /// Whatever else the kind has to know.
    pub payload: Option<String>,
    /// How often it was begun.
    pub attempts: Unsigned,
    /// Due from this second (since 1970 UTC) on; while leased, when the lease ends.
    pub run_at: Unsigned,
    /// Who works on it, or did last.
    pub lease: Option<String>,
    /// Seconds since 1970 UTC.
    pub created_at: Unsigned,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
