use sea_orm::entity::prelude::*;

use crate::{ProjectId, Unsigned};

/// A server's own certificate that was seen for a domain.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "observed_certificate")]
pub struct Model {
    /// The project.
    #[sea_orm(primary_key, auto_increment = false)]
    pub project_id: ProjectId,
    /// Name of the domain in the release.
    #[sea_orm(primary_key, auto_increment = false)]
    pub domain: String,
    /// SHA-256 of the certificate in base64.
    #[sea_orm(primary_key, auto_increment = false)]
    pub sha256: String,
    /// SHA-256 of its key in base64.
    pub spki_sha256: String,
    /// Its issuer, as it says.
    pub issuer: String,
    /// Last second of its validity (since 1970 UTC).
    pub not_after: Unsigned,
    /// Seconds since 1970 UTC.
    pub first_seen_at: Unsigned,
    /// Seconds since 1970 UTC, to the day.
    pub last_seen_at: Unsigned,
    /// When apps would have accepted its chain, the last time it was seen; none: never.
    pub accepted_at: Option<Unsigned>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
