use pintle_api::{AcceptReleaseRequest, ReleaseResponse};
use pintle_core::{State, UnixTime, VerifiedConfig, verify};
use pintle_store::{Approval, Project, ReleaseId, ReleaseKind, ReleaseRow, ReleaseSource, ReleaseState, Unsigned};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::{
    Actor, AuditAction, ProjectPath, ReleaseError, Service, ServiceError,
    access::{Permission, find_project},
    audit::Event,
    change::Change,
    hex::write_hex,
    pending::queue_publication,
    respond,
    succession::Keys,
};

impl Service {
    /// Accepts a signed release: the core confirms key, signature, project and number against everything accepted
    /// before, and the claims are byte for byte those prepared. It waits for a second person where the project asks for
    /// one, then for its time if it has one; otherwise release, voided preparations and publish job are one transaction.
    /// Submitting an accepted release again answers with the release it became.
    ///
    /// # Errors
    /// [`ServiceError::Config`] with the core's code, [`ServiceError::SuccessionOutdated`], [`ServiceError::NotPrepared`],
    /// [`ServiceError::ClaimsAltered`], [`ReleaseError::PublishAtInvalid`], and those of access.
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
        let root = Keys::load(&tx, &project, &self.base_urls).await?.root;
        // For itself first: only what the key signed may ask what it became.
        let genuine = verify(request.jws.as_bytes(), &root, &State::default(), now)?;
        let version = genuine.config.claims().version;
        let digest = genuine.state.floor.map(|floor| floor.claims_digest).unwrap_or_default();
        let claims_sha256 = write_hex(&digest);
        if let Some(release) = tx.find_release(scope, version).await?
            && release.claims_sha256 == claims_sha256
        {
            return respond::release(&tx, scope, &release).await;
        }
        self.check_publishable(&tx, &project, &request.jws, now).await?;
        let prepared = tx.find_prepared(scope, version).await?.ok_or(ServiceError::NotPrepared { version })?;
        if digest != <[u8; 32]>::from(Sha256::digest(prepared.claims.as_bytes())) {
            return Err(ServiceError::ClaimsAltered { version });
        }
        let publish_at = request.publish_at.map(|at| check_publish_at(at, &genuine.config, now)).transpose()?;
        let release = ReleaseRow {
            id: ReleaseId::make(now.as_secs()),
            project_id: project.row.id.clone(),
            version: version.into(),
            claims_sha256,
            kind: if genuine.config.claims().withdrawn { ReleaseKind::Withdrawal } else { ReleaseKind::Configuration },
            source: ReleaseSource::Server,
            state: first_state(&project, publish_at),
            accepted_by: actor.account_id.clone(),
            accepted_at: now.as_secs().into(),
            publish_at: publish_at.map(|at| at.as_secs().into()),
            approved_by: None,
            approved_at: None,
            live_at: None,
            watched_at: None,
            overridden: prepared.overridden,
        };
        tx.insert_release(scope, release.clone(), request.jws.clone()).await?;
        tx.delete_prepared(scope, version).await?;
        self.send_on_its_way(&tx, &project, &release, now).await?;
        let answer = respond::release(&tx, scope, &release).await?;
        let event = Event::in_project(scope, AuditAction::ReleaseAccepted, "release", &version.to_string());
        let summary = json!({
            "claims_sha256": release.claims_sha256,
            "kind": answer.kind,
            "state": answer.state,
            "publish_at": answer.publish_at,
        });
        tx.commit(event.after(summary)).await?;
        self.wake_jobs();
        tracing::info!(project.id = %project.row.id, release.version = version, release.state = ?release.state,
            "release accepted");
        Ok(answer)
    }

    /// Does what the state of a release that was just accepted or approved asks for.
    pub(super) async fn send_on_its_way(
        &self,
        tx: &Change,
        project: &Project,
        release: &ReleaseRow,
        now: UnixTime,
    ) -> Result<(), ServiceError> {
        match release.state {
            ReleaseState::Accepted => {
                self.commit_release(tx, &project.scope, release.version.value()).await?;
                queue_publication(tx, release, now, now).await
            }
            ReleaseState::Scheduled => {
                let at = release.publish_at.map(Unsigned::value).unwrap_or_default();
                queue_publication(tx, release, UnixTime::from_secs(at), now).await
            }
            _ => Ok(()),
        }
    }
}

/// The state of a release that its signer submitted.
fn first_state(project: &Project, publish_at: Option<UnixTime>) -> ReleaseState {
    match (project.row.approval, publish_at) {
        (Approval::SecondPerson, _) => ReleaseState::AwaitingApproval,
        (Approval::None, Some(_)) => ReleaseState::Scheduled,
        (Approval::None, None) => ReleaseState::Accepted,
    }
}

fn check_publish_at(at_secs: u64, config: &VerifiedConfig, now: UnixTime) -> Result<UnixTime, ServiceError> {
    let at = UnixTime::from_secs(at_secs);
    let is_before_end = config.claims().expires_at.is_none_or(|end| at < end);
    if at > now && is_before_end { Ok(at) } else { Err(ReleaseError::PublishAtInvalid.into()) }
}
