use sea_orm::entity::prelude::*;

use crate::{ProjectId, Unsigned};

/// A certificate for a host of a domain that Certificate Transparency knows of.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "logged_certificate")]
pub struct Model {
    /// The project.
    #[sea_orm(primary_key, auto_increment = false)]
    pub project_id: ProjectId,
    /// Name of the domain in the release.
    #[sea_orm(primary_key, auto_increment = false)]
    pub domain: String,
    /// SHA-256 of issuer and serial number in base64.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// What fits it, as `TYPE:DIGEST` separated by spaces.
    pub pins: String,
    /// Its issuer, as it says.
    pub issuer: String,
    /// Who told of it first.
    pub source: String,
    /// Last second of its validity (since 1970 UTC).
    pub not_after: Unsigned,
    /// Seconds since 1970 UTC.
    pub first_seen_at: Unsigned,
    /// 1 if it was there, from a known issuer, when the domain was looked for first.
    pub is_of_before: Unsigned,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
