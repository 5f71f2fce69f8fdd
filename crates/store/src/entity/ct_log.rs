use sea_orm::entity::prelude::*;

use crate::{ProjectId, Unsigned};

/// A Certificate Transparency log of a draft.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ct_log")]
pub struct Model {
    /// The project.
    #[sea_orm(primary_key, auto_increment = false)]
    pub project_id: ProjectId,
    /// SHA-256 of the key, in base64.
    #[sea_orm(primary_key, auto_increment = false)]
    pub log_id: String,
    /// DER SubjectPublicKeyInfo in base64.
    pub public_key: String,
    /// Who runs it.
    pub operator: String,
    /// What people call it; never published.
    pub name: String,
    /// SCTs issued later do not count; seconds since 1970 UTC.
    pub usable_until: Option<Unsigned>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
