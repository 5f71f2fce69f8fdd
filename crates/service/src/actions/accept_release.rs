use pintle_api::{AcceptReleaseRequest, ReleaseResponse, Scope};
use pintle_core::{State, UnixTime, verify};
use pintle_store::{JobKind, ReleaseId, ReleaseRow, ReleaseState};
use sha2::{Digest, Sha256};

use crate::{Actor, ProjectPath, Service, ServiceError, access::find_project, claims::make_root, respond};

impl Service {
    /// Accepts a signed release: the core confirms key, signature, project and number against everything accepted
    /// before, the claims are byte for byte those prepared, and release, voided preparations and publish job are one
    /// transaction. Submitting an accepted release again answers with the release it became.
    ///
    /// # Errors
    /// [`ServiceError::Config`] with the core's code, [`ServiceError::NotPrepared`], [`ServiceError::ClaimsAltered`], and
    /// those of access.
    pub async fn accept_release(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        request: &AcceptReleaseRequest,
        now: UnixTime,
    ) -> Result<ReleaseResponse, ServiceError> {
        let tx = self.store.write().await?;
        let project = find_project(&tx, actor, path, Scope::Release).await?;
        let scope = &project.scope;
        let root = make_root(&project, &self.base_url)?;
        let file = request.jws.as_bytes();
        // For itself first: only what the key signed may ask what it became.
        let genuine = verify(file, &root, &State::default(), now)?;
        let version = genuine.config.claims().version;
        let digest = genuine.state.floor.map(|floor| floor.claims_digest).unwrap_or_default();
        let claims_sha256 = write_hex(&digest);
        if let Some(release) = tx.find_release(scope, version).await?
            && release.claims_sha256 == claims_sha256
        {
            return Ok(respond::release(&release));
        }
        let state = match self.verify_last_release(&tx, &project).await? {
            Some((_, accepted)) => accepted.state,
            None => State::default(),
        };
        verify(file, &root, &state, now).map(drop)?;
        let prepared = tx.find_prepared(scope, version).await?.ok_or(ServiceError::NotPrepared { version })?;
        if digest != <[u8; 32]>::from(Sha256::digest(prepared.claims.as_bytes())) {
            return Err(ServiceError::ClaimsAltered { version });
        }
        let release = ReleaseRow {
            id: ReleaseId::make(now.as_secs()),
            project_id: project.row.id.clone(),
            version: version.into(),
            claims_sha256,
            state: ReleaseState::Accepted,
            accepted_by: actor.account_id.clone(),
            accepted_at: now.as_secs().into(),
            live_at: None,
        };
        tx.insert_release(scope, release.clone(), request.jws.clone()).await?;
        tx.delete_prepared_up_to(scope, version).await?;
        tx.insert_job(scope, JobKind::Publish, version, now.as_secs()).await?;
        let response = respond::release(&release);
        tx.commit().await?;
        tracing::info!(project.id = %project.row.id, release.version = version, "release accepted");
        self.jobs.notify_one();
        Ok(response)
    }
}

fn write_hex(digest: &[u8; 32]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
