use base64ct::{Base64, Encoding};
use pintle_api::{
    Finding, OverrideRequest, OverrideResponse, PrepareReleaseRequest, PreparedReleaseResponse, ReleaseContent,
    Unchanged,
};
use pintle_core::{UnixTime, claims::Claims};
use pintle_store::{Project, ReadTx};
use serde_json::json;

use super::guard_draft::refuse_blocking;
use crate::{
    Actor, AuditAction, ProjectPath, ReleaseError, Service, ServiceError,
    access::{Permission, find_project},
    audit::Event,
    claims::{make_claims, make_withdrawal, renew_claims, write_claims},
    diff::derive_changes,
    guard::{find_blocking, shorten},
    input::check_override,
    step_up::require_fresh_session,
    succession::Keys,
};

/// Prepared claims that nobody signed are forgotten once so many newer ones exist: a project cannot fill the disk.
const MAX_PREPARED: u64 = 32;

impl Service {
    /// Has the guard judge, then fixes claims, their number and their date (P-9.4), for the holder of the current key to sign, and says what chain
    /// leads apps to that key. They say what the draft says, what an earlier release said, or that nothing is to be
    /// trusted; the draft stays as it is. Numbers are never given twice: the next one is above every release and every
    /// preparation. A rehearsal answers the same and leaves no trace: what it says cannot be submitted.
    ///
    /// # Errors
    /// [`GuardError`](crate::GuardError), [`ServiceError::KeyMissing`], [`ServiceError::DraftUnchanged`], [`ServiceError::DraftInvalid`],
    /// [`ServiceError::DraftTooLarge`], [`ReleaseError::IsWithdrawal`], [`ReleaseError::NothingReleased`],
    /// [`AccountError::StepUpNeeded`](crate::AccountError::StepUpNeeded), and those of access.
    pub async fn prepare_release(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        request: &PrepareReleaseRequest,
        now: UnixTime,
    ) -> Result<PreparedReleaseResponse, ServiceError> {
        let needed = match &request.override_request {
            None => Permission::Release,
            Some(wanted) => {
                check_override(wanted)?;
                Permission::OverrideGuard
            }
        };
        if request.content == ReleaseContent::Withdrawal {
            require_fresh_session(actor, now)?;
        }
        let judgement = self.judge_content(actor, path, request.content, needed, now).await?;
        let tx = self.begin_change(actor, now).await?;
        let project = find_project(&tx, actor, path, Permission::Release).await?;
        find_project(&tx, actor, path, needed).await?;
        if let Some(judgement) = &judgement {
            judgement.check_current(&tx, &project).await?;
        }
        let findings = judgement.map(|judgement| judgement.findings).unwrap_or_default();
        let scope = &project.scope;
        let keys = Keys::load(&tx, &project, &self.base_urls).await?;
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
        let overridden = settle(&findings, request.override_request.as_ref(), actor)?;
        let answer = PreparedReleaseResponse {
            version,
            claims: encoded,
            issued_at: claims.issued_at.as_secs(),
            expires_at: claims.expires_at.map(UnixTime::as_secs),
            kid: keys.current()?.kid().to_string(),
            succession,
            changes,
            findings: shorten(findings),
        };
        if request.rehearsal {
            return Ok(answer);
        }
        let record = overridden.as_ref().map(|overridden| json!(overridden).to_string());
        tx.insert_prepared(scope, version, text, record, now.as_secs()).await?;
        tx.delete_prepared_up_to(scope, version.saturating_sub(MAX_PREPARED)).await?;
        if let Some(overridden) = &overridden {
            let event = Event::in_project(scope, AuditAction::GuardOverridden, "release", &version.to_string());
            let named = |finding: &Finding| json!({ "code": finding.code, "domain": finding.domain });
            let findings: Vec<_> = overridden.findings.iter().map(named).collect();
            let summary = json!({
                "overrides": overridden.overrides,
                "findings": findings,
                "reason": overridden.reason,
            });
            tx.record(event.after(summary)).await?;
        }
        let event = Event::in_project(scope, AuditAction::ReleasePrepared, "release", &version.to_string());
        tx.commit(event.after(json!({ "content": request.content }))).await?;
        tracing::info!(project.id = %project.row.id, release.version = version, "release prepared");
        Ok(answer)
    }

    pub(super) async fn make_content(
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

/// Refuses what has an error that is not overridden; what is, comes back to be remembered.
fn settle(
    findings: &[Finding],
    request: Option<&OverrideRequest>,
    actor: &Actor,
) -> Result<Option<OverrideResponse>, ServiceError> {
    let overrides = request.map(|request| request.findings.as_slice()).unwrap_or_default();
    refuse_blocking(findings, overrides)?;
    Ok(request.map(|request| OverrideResponse {
        overrides: request.findings.clone(),
        // Every error there is, then, was meant.
        findings: shorten(find_blocking(findings, &[]).cloned().collect()),
        reason: request.reason.clone(),
        overridden_by: actor.account_id.to_string(),
    }))
}
