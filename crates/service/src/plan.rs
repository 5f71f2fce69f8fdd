//! What the operator allows everybody: numbers of things, never what they hold.

use pintle_store::ReadTx;

use crate::{Actor, ServiceError};

/// Limits of the installation; none: unlimited. What exists already stays when a limit is lowered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Organizations that one account may own.
    pub organizations_per_account: Option<u64>,
    /// Projects that one organization may have.
    pub projects_per_organization: Option<u64>,
    /// Domains that the projects of one organization may have, all together.
    pub domains_per_organization: Option<u64>,
}

impl Plan {
    /// Whether `actor` may own one more organization.
    pub(crate) async fn check_organizations(&self, tx: &ReadTx, actor: &Actor) -> Result<(), ServiceError> {
        let Some(limit) = self.organizations_per_account else { return Ok(()) };
        check("organizations per account", limit, tx.count_owned_organizations(&actor.account_id).await?, 1)
    }

    /// Whether the organization may have one more project.
    pub(crate) async fn check_projects(
        &self,
        tx: &ReadTx,
        scope: &pintle_store::OrganizationScope,
    ) -> Result<(), ServiceError> {
        let Some(limit) = self.projects_per_organization else { return Ok(()) };
        check("projects per organization", limit, tx.count_projects(scope).await?, 1)
    }

    /// Whether the projects of the organization may have `more` domains.
    pub(crate) async fn check_domains(
        &self,
        tx: &ReadTx,
        organization: &pintle_store::OrganizationId,
        more: u64,
    ) -> Result<(), ServiceError> {
        let Some(limit) = self.domains_per_organization else { return Ok(()) };
        check("domains per organization", limit, tx.count_domains(organization).await?, more)
    }
}

fn check(what: &'static str, limit: u64, found: u64, more: u64) -> Result<(), ServiceError> {
    if found.saturating_add(more) > limit { Err(ServiceError::PlanLimitReached { what, limit }) } else { Ok(()) }
}
