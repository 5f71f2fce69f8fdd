use sea_orm::entity::prelude::*;

use crate::{AccountId, ProjectId, Unsigned};

/// An accepted succession statement (P-5.1).
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "succession_statement")]
pub struct Model {
    /// The project.
    #[sea_orm(primary_key, auto_increment = false)]
    pub project_id: ProjectId,
    /// `seq`: 1, 2, …
    #[sea_orm(primary_key, auto_increment = false)]
    pub seq: Unsigned,
    /// The exact statement.
    pub jws: String,
    /// The key it names, DER SubjectPublicKeyInfo in base64.
    pub public_key: String,
    /// RFC 7638 thumbprint of the key that signed it.
    pub signer_kid: String,
    /// Who submitted it.
    pub accepted_by: AccountId,
    /// Seconds since 1970 UTC.
    pub accepted_at: Unsigned,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
