use pintle_api::{AcceptReleaseRequest, ReleaseResponse};
use pintle_core::{State, UnixTime, verify};
use pintle_store::{JobKind, NewJob, ProjectScope, ReleaseId, ReleaseRow, ReleaseState};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::{
    Actor, AuditAction, ProjectPath, Service, ServiceError,
    access::{Permission, find_project},
    audit::Event,
    change::Change,
    hex::write_hex,
    respond,
    succession::Keys,
};

impl Service {
    /// Accepts a signed release: the core confirms key, signature, project and number against everything accepted
    /// before, the claims are byte for byte those prepared, and release, voided preparations and publish job are one
    /// transaction. Submitting an accepted release again answers with the release it became.
    ///
    /// # Errors
    /// [`ServiceError::Config`] with the core's code, [`ServiceError::SuccessionOutdated`], [`ServiceError::NotPrepared`],
    /// [`ServiceError::ClaimsAltered`], and those of access.
    pub async fn accept_release(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        request: &AcceptReleaseRequest,
        now: UnixTime,
    ) -> Result<ReleaseResponse, ServiceError> {
        let tx = self.begin_change(actor, now).await?;
        let project = find_project(&tx, actor, path, Permission::Release).await?;
        let scope = &project.scope;
        let keys = Keys::load(&tx, &project, &self.base_url).await?;
        let root = &keys.root;
        // For itself first: only what the key signed may ask what it became.
        let genuine = verify(request.jws.as_bytes(), root, &State::default(), now)?;
        let version = genuine.config.claims().version;
        let digest = genuine.state.floor.map(|floor| floor.claims_digest).unwrap_or_default();
        let claims_sha256 = write_hex(&digest);
        if let Some(release) = tx.find_release(scope, version).await?
            && release.claims_sha256 == claims_sha256
        {
            return Ok(respond::release(&release));
        }
        // Apps would still follow an earlier key; the project does not.
        if !keys.are_led_to_by(&genuine.state.chain) {
            return Err(ServiceError::SuccessionOutdated { version });
        }
        let last = self.verify_last_release(&tx, &project).await?;
        let state = last.map(|(_, accepted)| accepted.state).unwrap_or_default();
        verify(request.jws.as_bytes(), root, &state, now).map(drop)?;
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
        self.save_accepted(tx, scope, &release, &request.jws).await?;
        tracing::info!(project.id = %project.row.id, release.version = version, "release accepted");
        Ok(respond::release(&release))
    }

    /// Release, voided preparations (P-9.4) and outbox job: all or nothing.
    async fn save_accepted(
        &self,
        tx: Change,
        scope: &ProjectScope,
        release: &ReleaseRow,
        jws: &str,
    ) -> Result<(), ServiceError> {
        let version = release.version.value();
        tx.insert_release(scope, release.clone(), jws.to_owned()).await?;
        tx.delete_prepared_up_to(scope, version).await?;
        let now_secs = release.accepted_at.value();
        let subject = release.id.as_str();
        let job = NewJob { kind: JobKind::Publish, subject, payload: None, run_at_secs: now_secs };
        tx.insert_job(job, now_secs).await?;
        let event = Event::in_project(scope, AuditAction::ReleaseAccepted, "release", &version.to_string());
        tx.commit(event.after(json!({ "claims_sha256": release.claims_sha256 }))).await?;
        self.jobs.notify_one();
        Ok(())
    }
}
