use base64ct::{Base64, Encoding};
use pintle_api::{PrepareReleaseRequest, PreparedReleaseResponse, Unchanged};
use pintle_core::UnixTime;

use crate::{
    Actor, AuditAction, ProjectPath, Service, ServiceError,
    access::{Permission, find_project},
    audit::Event,
    claims::{find_warnings, make_claims, write_claims},
    ct::find_ct_warnings,
    diff::derive_changes,
    succession::Keys,
};

/// Prepared claims that nobody signed are forgotten once so many newer ones exist: a project cannot fill the disk.
const MAX_PREPARED: u64 = 32;

impl Service {
    /// Fixes the draft's claims, their number and their date (P-9.4), for the holder of the current key to sign, and says
    /// what chain leads apps to that key. Numbers are
    /// never given twice: the next one is above every release and every preparation.
    ///
    /// # Errors
    /// [`ServiceError::KeyMissing`], [`ServiceError::DraftUnchanged`], [`ServiceError::DraftInvalid`],
    /// [`ServiceError::DraftTooLarge`], and those of access.
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
        let draft = tx.find_draft(scope).await?.ok_or(ServiceError::NotFound { what: "draft" })?;
        let domains = tx.list_domains(scope).await?;
        let ct_logs = tx.list_ct_logs(scope).await?;
        let last = self.verify_last_release(&tx, &project).await?;
        let last_version = last.as_ref().map_or(0, |(release, _)| release.version.value());
        let last_prepared = tx.find_last_prepared_version(scope).await?.unwrap_or_default();
        let version = last_version.max(last_prepared) + 1;

        let claims = make_claims(&project, &draft, &domains, &ct_logs, version, now)?;
        let changes = derive_changes(last.as_ref().map(|(_, accepted)| accepted.config.claims()), &claims);
        if last.is_some() && changes.is_empty() && request.unchanged == Unchanged::Refuse {
            return Err(ServiceError::DraftUnchanged { version: last_version });
        }
        let succession = keys.succession();
        let bytes = write_claims(&claims, &succession)?;
        let encoded = Base64::encode_string(&bytes);
        let text = String::from_utf8(bytes).map_err(|_| ServiceError::Internal("claims are JSON"))?;
        tx.insert_prepared(scope, version, text, now.as_secs()).await?;
        tx.delete_prepared_up_to(scope, version.saturating_sub(MAX_PREPARED)).await?;
        let answer = PreparedReleaseResponse {
            version,
            claims: encoded,
            issued_at: claims.issued_at.as_secs(),
            expires_at: claims.expires_at.map(UnixTime::as_secs),
            kid: keys.current()?.kid().to_string(),
            succession,
            changes,
            warnings: [find_warnings(&domains), find_ct_warnings(&claims, now)].concat(),
        };
        let event = Event::in_project(scope, AuditAction::ReleasePrepared, "release", &version.to_string());
        tx.commit(event).await?;
        tracing::info!(project.id = %project.row.id, release.version = version, "release prepared");
        Ok(answer)
    }
}
