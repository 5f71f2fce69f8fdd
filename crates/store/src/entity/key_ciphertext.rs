use sea_orm::entity::prelude::*;

use crate::{AccountId, ProjectId, Unsigned};

/// The encrypted signing key that a project has its server keep.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "key_ciphertext")]
pub struct Model {
    /// The project.
    #[sea_orm(primary_key, auto_increment = false)]
    pub project_id: ProjectId,
    /// RFC 7638 thumbprint of the key.
    pub kid: String,
    /// Encrypted PKCS#8 in PEM.
    pub pem: String,
    /// Who stored it.
    pub stored_by: AccountId,
    /// Seconds since 1970 UTC.
    pub stored_at: Unsigned,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
