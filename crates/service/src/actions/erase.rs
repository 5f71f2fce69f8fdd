use pintle_core::UnixTime;
use pintle_store::{AccountId, AuditChain, LeasedJob, OrganizationId, ProjectId};

use crate::{AuditAction, Service, ServiceError, audit::Event, change::Change, jobs::Attempt};

impl Service {
    /// The erase job: what was deleted long enough ago goes for good, its files first.
    pub(crate) async fn erase(&self, job: &LeasedJob, now: UnixTime) -> Result<Attempt, ServiceError> {
        let subject = job.row.subject.as_str();
        if let Ok(account) = AccountId::parse(subject) {
            let tx = self.begin_system_change(now).await?;
            tx.erase_personal(&account).await?;
            tx.delete_job(job).await?;
            tx.commit_recorded().await?;
            return Ok(Attempt::Done);
        }
        let organization = OrganizationId::parse(subject).ok();
        let projects = match (&organization, ProjectId::parse(subject)) {
            (Some(organization), _) => self.store.read().await?.list_projects_of(organization).await?,
            (None, Ok(project)) => vec![project],
            (None, Err(_)) => Vec::new(),
        };
        for project in &projects {
            let deleted = self.store.read().await?.find_deleted_project(project).await?;
            if let Some(deleted) = deleted
                && !self.remove_files(&deleted).await?
            {
                return Ok(Attempt::Failed);
            }
        }
        let tx = self.begin_system_change(now).await?;
        if tx.delete_job(job).await? {
            for project in &projects {
                erase_project(&tx, project).await?;
            }
            if let Some(organization) = &organization {
                tx.erase_organization(organization).await?;
                let chain = AuditChain::installation();
                tx.record(Event::new(chain, AuditAction::OrganizationErased, "organization", subject)).await?;
            }
            tracing::info!(subject, "erased for good");
        }
        tx.commit_recorded().await?;
        Ok(Attempt::Done)
    }
}

async fn erase_project(tx: &Change, project: &ProjectId) -> Result<(), ServiceError> {
    let Some(deleted) = tx.find_deleted_project(project).await? else { return Ok(()) };
    tx.erase_project(project).await?;
    tx.record(Event::in_project(&deleted.scope, AuditAction::ProjectErased, "project", project.as_str())).await
}
