use pintle_api::DomainResponse;
use pintle_core::UnixTime;

use crate::{
    Actor, ProjectPath, Service, ServiceError,
    access::{Permission, find_project},
    respond,
};

/// Domains that were looked for.
#[derive(Clone, Debug)]
pub struct FoundDomains {
    /// The first of them, by name.
    pub domains: Vec<DomainResponse>,
    /// How many there are.
    pub count: usize,
}

impl Service {
    /// The domains of the draft whose name has `wanted` in it, as the file spells it or, label by label, as people do; `most` of
    /// them are read.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Store`].
    pub async fn search_domains(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        wanted: &str,
        most: usize,
        now: UnixTime,
    ) -> Result<FoundDomains, ServiceError> {
        let tx = self.store.read().await?;
        let project = find_project(&tx, actor, path, Permission::Read).await?;
        let draft = tx.find_draft(&project.scope).await?.ok_or(ServiceError::NotFound { what: "draft" })?;
        let derived = self.find_derived(&tx, &project, &draft, now).await?;
        let wanted = wanted.trim().to_lowercase();
        let spelt = idna::domain_to_ascii(&wanted).unwrap_or_else(|_| wanted.clone());
        let names = derived.claims.domains.iter().map(|domain| domain.name.to_string());
        let mut names: Vec<_> = names.filter(|name| name.contains(&wanted) || name.contains(&spelt)).collect();
        let count = names.len();
        // Whoever wrote the whole name means that one.
        names.sort_by_key(|name| *name != wanted && *name != spelt);
        names.truncate(most);
        let domains = match count {
            0 => Vec::new(),
            _ => tx.find_domains(&project.scope, names).await?,
        };
        Ok(FoundDomains { domains: domains.iter().map(respond::domain).collect::<Result<_, _>>()?, count })
    }
}
