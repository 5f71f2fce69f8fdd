use sea_orm::entity::prelude::*;

use crate::{ProjectId, Unsigned};

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
    /// Credential id of the passkey that makes the password, in base64url; none: people remember it.
    pub passkey_credential: Option<String>,
    /// What the passkey makes it out of, in base64url.
    pub passkey_salt: Option<String>,
    /// Seconds since 1970 UTC.
    pub stored_at: Unsigned,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
