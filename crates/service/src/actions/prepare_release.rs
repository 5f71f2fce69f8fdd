use base64ct::{Base64, Encoding};
use pintle_api::{PrepareReleaseRequest, PreparedReleaseResponse, ReleaseContent, Unchanged};
use pintle_core::{UnixTime, claims::Claims};
use pintle_store::{Project, ReadTx};
use serde_json::json;

use crate::{
    Actor, AuditAction, ProjectPath, ReleaseError, Service, ServiceError,
    access::{Permission, find_project},
    audit::Event,
    claims::{find_warnings, make_claims, make_withdrawal, renew_claims, write_claims},
    ct::find_ct_warnings,
    diff::derive_changes,
    succession::Keys,
};

/// Prepared claims that nobody signed are forgotten once so many newer ones exist: a project cannot fill the disk.
const MAX_PREPARED: u64 = 32;

impl Service {
    /// Fixes claims, their number and their date (P-9.4), for the holder of the current key to sign, and says what chain
    /// leads apps to that key. They say what the draft says, what an earlier release said, or that nothing is to be
    /// trusted; the draft stays as it is. Numbers are never given twice: the next one is above every release and every
    /// preparation. A rehearsal answers the same and leaves no trace: what it says cannot be submitted.
    ///
    /// # Errors
    /// [`ServiceError::KeyMissing`], [`ServiceError::DraftUnchanged`], [`ServiceError::DraftInvalid`],
    /// [`ServiceError::DraftTooLarge`], [`ReleaseError::IsWithdrawal`], [`ReleaseError::NothingReleased`], and those of
    /// access.
    pub async fn prepare_release(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        request: &PrepareReleaseRequest,
        now: UnixTime,
    ) -> Result<PreparedReleaseResponse, ServiceError> {
        let tx = self.begin_change(actor, now).await?;
        let project = find_project(&tx, actor, path, Permission::Release).await?;
        let scope = &project.scope;
        let keys = Keys::load(&tx, &project, &self.base_url).await?;
        let last = self.verify_last_release(&tx, &project).await?;
        let last_prepared = tx.find_last_prepared_version(scope).await?.unwrap_or_default();
        let version = tx.find_last_version(scope).await?.unwrap_or_default().max(last_prepared) + 1;

        let claims = self.make_content(&tx, &project, request.content, version, now).await?;
        let changes = derive_changes(last.as_ref().map(|(_, accepted)| accepted.config.claims()), &claims);
        match &last {
            Some((release, _)) if changes.is_empty() && request.unchanged == Unchanged::Refuse => {
                return Err(ServiceError::DraftUnchanged { version: release.version.value() });
            }
            None if claims.withdrawn => return Err(ReleaseError::NothingReleased.into()),
            _ => {}
        }
        let succession = keys.succession();
        let bytes = write_claims(&claims, &succession)?;
        let encoded = Base64::encode_string(&bytes);
        let text = String::from_utf8(bytes).map_err(|_| ServiceError::Internal("claims are JSON"))?;
        let answer = PreparedReleaseResponse {
            version,
            claims: encoded,
            issued_at: claims.issued_at.as_secs(),
            expires_at: claims.expires_at.map(UnixTime::as_secs),
            kid: keys.current()?.kid().to_string(),
            succession,
            changes,
            warnings: [find_warnings(&claims, now), find_ct_warnings(&claims, now)].concat(),
        };
        if request.rehearsal {
            return Ok(answer);
        }
        tx.insert_prepared(scope, version, text, now.as_secs()).await?;
        tx.delete_prepared_up_to(scope, version.saturating_sub(MAX_PREPARED)).await?;
        let event = Event::in_project(scope, AuditAction::ReleasePrepared, "release", &version.to_string());
        tx.commit(event.after(json!({ "content": request.content }))).await?;
        tracing::info!(project.id = %project.row.id, release.version = version, "release prepared");
        Ok(answer)
    }

    async fn make_content(
        &self,
        tx: &ReadTx,
        project: &Project,
        content: ReleaseContent,
        version: u64,
        now: UnixTime,
    ) -> Result<Claims, ServiceError> {
        let scope = &project.scope;
        match content {
            ReleaseContent::Draft => {
                let draft = tx.find_draft(scope).await?.ok_or(ServiceError::NotFound { what: "draft" })?;
                let (domains, ct_logs) = (tx.list_domains(scope).await?, tx.list_ct_logs(scope).await?);
                make_claims(project, &draft, &domains, &ct_logs, version, now)
            }
            ReleaseContent::Release(earlier) => {
                let claims = self.load_release_claims(tx, project, earlier).await?;
                if claims.withdrawn {
                    return Err(ReleaseError::IsWithdrawal { version: earlier }.into());
                }
                Ok(renew_claims(claims, version, now))
            }
            ReleaseContent::Withdrawal => make_withdrawal(project, version, now),
        }
    }
}
