use pintle_api::{DiffQuery, DiffResponse};
use pintle_core::{UnixTime, claims::Claims};
use pintle_store::{Project, ReadTx};

use crate::{
    Actor, ProjectPath, Service, ServiceError,
    access::{Permission, find_project},
    claims::make_claims,
    diff::derive_changes,
};

const DRAFT: &str = "draft";

impl Service {
    /// What differs between two releases, or one and the draft: from the last accepted release to the draft unless
    /// `query` says otherwise.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::ValueInvalid`], [`ServiceError::Store`].
    pub async fn diff(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        query: &DiffQuery,
        now: UnixTime,
    ) -> Result<DiffResponse, ServiceError> {
        let tx = self.store.read().await?;
        let project = find_project(&tx, actor, path, Permission::Read).await?;
        let last = || tx.find_last_release(&project.scope);
        let from = match &query.from {
            Some(named) => Some(named.clone()),
            None => last().await?.map(|release| release.version.value().to_string()),
        };
        let to = query.to.clone().unwrap_or_else(|| DRAFT.to_owned());
        let before = match &from {
            Some(named) => Some(self.load_named_claims(&tx, &project, "from", named, now).await?),
            None => None,
        };
        let after = self.load_named_claims(&tx, &project, "to", &to, now).await?;
        Ok(DiffResponse { changes: derive_changes(before.as_ref(), &after), from, to })
    }

    async fn load_named_claims(
        &self,
        tx: &ReadTx,
        project: &Project,
        member: &'static str,
        named: &str,
        now: UnixTime,
    ) -> Result<Claims, ServiceError> {
        let scope = &project.scope;
        if named == DRAFT {
            let draft = tx.find_draft(scope).await?.ok_or(ServiceError::NotFound { what: DRAFT })?;
            return make_claims(
                project,
                &draft,
                &tx.list_domains(scope).await?,
                &tx.list_ct_logs(scope).await?,
                1,
                now,
            );
        }
        let version = named
            .parse()
            .map_err(|_| ServiceError::ValueInvalid { member, expected: "`draft` or the number of a release" })?;
        self.load_release_claims(tx, project, version).await
    }
}
