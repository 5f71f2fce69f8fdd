use sea_orm::entity::prelude::*;

use crate::{AccountId, OrganizationId, ProjectId, TokenId, Unsigned};

/// A bearer token; the secret itself is not kept.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "api_token")]
pub struct Model {
    /// `tok_…`
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TokenId,
    /// Whose token it is.
    pub account_id: AccountId,
    /// Name for people.
    pub name: String,
    /// First characters of the token, unique: finds the row.
    pub prefix: String,
    /// SHA-256 of the whole token, lower-case hexadecimal.
    pub secret_sha256: String,
    /// Scopes, separated by spaces.
    pub scopes: String,
    /// Seconds since 1970 UTC.
    pub created_at: Unsigned,
    /// Seconds since 1970 UTC.
    pub last_used_at: Option<Unsigned>,
    /// Refused from this second (since 1970 UTC) on.
    pub expires_at: Option<Unsigned>,
    /// Reaches this organization alone.
    pub organization_id: Option<OrganizationId>,
    /// Reaches this project of the organization alone.
    pub project_id: Option<ProjectId>,
    /// Refused since then.
    pub revoked_at: Option<Unsigned>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
