use crate::{
    Actor, Service, ServiceError,
    access::{Permission, find_organization_around},
};

/// What an organization has of what the operator allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanUse {
    /// Projects.
    pub projects: Allotment,
    /// Domains of its projects, all together.
    pub domains: Allotment,
}

/// So many of so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allotment {
    /// How many there are.
    pub used: u64,
    /// How many there may be; `None`: as many as anybody likes.
    pub limit: Option<u64>,
}

impl Service {
    /// What the plan allows an organization, and how much of it is used.
    ///
    /// # Errors
    /// Those of access.
    pub async fn read_plan(&self, actor: &Actor, organization: &str) -> Result<PlanUse, ServiceError> {
        let tx = self.store.read().await?;
        let own = find_organization_around(&tx, actor, organization, Permission::Read).await?;
        let (projects, domains) = (tx.count_projects(&own.scope).await?, tx.count_domains(&own.organization.id).await?);
        Ok(PlanUse {
            projects: Allotment { used: projects, limit: self.plan.projects_per_organization },
            domains: Allotment { used: domains, limit: self.plan.domains_per_organization },
        })
    }
}
