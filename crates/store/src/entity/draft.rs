use sea_orm::entity::prelude::*;

use crate::{ProjectId, Unsigned};

/// Settings of a project's staged configuration.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "draft")]
pub struct Model {
    /// The project.
    #[sea_orm(primary_key, auto_increment = false)]
    pub project_id: ProjectId,
    /// Rises with every change of settings, domains or pins.
    pub revision: Unsigned,
    /// Seconds a fetched copy counts as fresh.
    pub refresh_secs: Unsigned,
    /// As the configuration spells it.
    pub on_stale: String,
    /// `exp` − `iat`; none: no `exp`.
    pub expires_after_secs: Option<Unsigned>,
    /// SPKI SHA-256 digests in base64, separated by spaces.
    pub deny: String,
    /// When the list that the Certificate Transparency logs come from was made; seconds since 1970 UTC.
    pub ct_logs_as_of: Option<Unsigned>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
