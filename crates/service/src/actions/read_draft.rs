use pintle_api::DraftResponse;
use pintle_core::{Accepted, State, UnixTime, claims::Claims, verify};
use pintle_store::{Project, ReadTx, ReleaseRow};

use crate::{
    Actor, ProjectPath, Service, ServiceError,
    access::{Permission, find_project},
    claims::make_root,
    guard::{guard_claims, shorten},
    respond,
};

impl Service {
    /// The draft, its difference from the last accepted release, and what deserves a second look.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Store`].
    pub async fn read_draft(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        now: UnixTime,
    ) -> Result<DraftResponse, ServiceError> {
        let tx = self.store.read().await?;
        let project = find_project(&tx, actor, path, Permission::Read).await?;
        self.describe_draft(&tx, &project, now).await
    }

    pub(super) async fn describe_draft(
        &self,
        tx: &ReadTx,
        project: &Project,
        now: UnixTime,
    ) -> Result<DraftResponse, ServiceError> {
        let draft = tx.find_draft(&project.scope).await?.ok_or(ServiceError::NotFound { what: "draft" })?;
        let domains = tx.list_domains(&project.scope).await?;
        let last = tx.find_last_release(&project.scope).await?;
        let derived = self.derive_draft(tx, project, &draft, &domains, last.as_ref(), now).await?;
        Ok(DraftResponse {
            revision: draft.revision.value(),
            settings: respond::settings(&draft)?,
            domains: domains.iter().map(respond::domain).collect::<Result<_, _>>()?,
            changes: derived.changes.to_vec(),
            findings: shorten(guard_claims(&derived.claims, now)),
        })
    }

    /// The last accepted release as a device that follows the project sees it: the file is verified again, and the state
    /// is what the next release is measured against.
    pub(crate) async fn verify_last_release(
        &self,
        tx: &ReadTx,
        project: &Project,
    ) -> Result<Option<(ReleaseRow, Accepted)>, ServiceError> {
        let Some(release) = tx.find_last_release(&project.scope).await? else { return Ok(None) };
        let accepted = self.verify_release(tx, project, &release).await?;
        Ok(Some((release, accepted)))
    }

    /// What the release of this number says.
    pub(super) async fn load_release_claims(
        &self,
        tx: &ReadTx,
        project: &Project,
        version: u64,
    ) -> Result<Claims, ServiceError> {
        let release = tx.find_release(&project.scope, version).await?;
        let release = release.ok_or(ServiceError::NotFound { what: "release" })?;
        Ok(self.verify_release(tx, project, &release).await?.config.claims().clone())
    }

    pub(crate) async fn verify_release(
        &self,
        tx: &ReadTx,
        project: &Project,
        release: &ReleaseRow,
    ) -> Result<Accepted, ServiceError> {
        let file = tx.load_release_file(&project.scope, release.version.value()).await?;
        let file = file.ok_or(ServiceError::Internal("a release without its file"))?;
        let root = make_root(project, &self.base_urls)?;
        let then = UnixTime::from_secs(release.accepted_at.value());
        verify(file.as_bytes(), &root, &State::default(), then)
            .map_err(|_| ServiceError::Internal("a stored release does not verify"))
    }
}
