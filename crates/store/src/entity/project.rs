use sea_orm::entity::prelude::*;

use crate::{Approval, Custody, OrganizationId, ProjectId, Unsigned};

/// One app in one environment.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "project")]
pub struct Model {
    /// `prj_…`
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ProjectId,
    /// Its owner.
    pub organization_id: OrganizationId,
    /// Name of the app.
    pub name: String,
    /// Environment.
    pub environment: String,
    /// Who holds the private signing key.
    pub custody: Custody,
    /// Signing key, DER SubjectPublicKeyInfo in base64.
    pub public_key: Option<String>,
    /// Recovery key in the same form.
    pub recovery_key: Option<String>,
    /// Who must agree to a release.
    pub approval: Approval,
    /// Since when apps are told to trust nothing: seconds since 1970 UTC.
    pub withdrawn_at: Option<Unsigned>,
    /// Seconds since 1970 UTC.
    pub created_at: Unsigned,
    /// Hidden since, and waiting to be erased: seconds since 1970 UTC.
    pub deleted_at: Option<Unsigned>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
