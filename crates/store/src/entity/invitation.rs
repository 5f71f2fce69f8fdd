use sea_orm::entity::prelude::*;

use crate::{AccountId, InvitationId, OrganizationId, Role, Unsigned};

/// An invitation that waits for its answer; the secret itself is not kept.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "invitation")]
pub struct Model {
    /// `inv_…`
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: InvitationId,
    /// Where to.
    pub organization_id: OrganizationId,
    /// What the new member will be.
    pub role: Role,
    /// Who is meant, where the inviter said so.
    pub email: Option<String>,
    /// That address in lower case.
    pub email_key: Option<String>,
    /// First characters of the secret, unique: finds the row.
    pub prefix: String,
    /// SHA-256 of the whole secret, lower-case hexadecimal.
    pub secret_sha256: String,
    /// Who invited.
    pub invited_by: AccountId,
    /// Seconds since 1970 UTC.
    pub created_at: Unsigned,
    /// Refused from this second (since 1970 UTC) on.
    pub expires_at: Unsigned,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
