use pintle_api::{CtLogsResponse, ReplaceCtLogsRequest};
use pintle_core::UnixTime;
use pintle_store::{StoreError, Unsigned};
use serde_json::json;

use crate::{
    Actor, AuditAction, ProjectPath, Service, ServiceError,
    access::find_editable_project,
    audit::Event,
    claims::{make_claims, write_claims},
    ct::parse_log,
    respond,
};

/// Browsers trust fewer than a hundred; every log travels in every configuration.
const MAX_LOGS: usize = 1000;

impl Service {
    /// Replaces the Certificate Transparency logs of the draft and the date of the list they come from. Domains that
    /// could no longer be released refuse it.
    ///
    /// # Errors
    /// [`ServiceError::ValueInvalid`], [`ServiceError::DraftInvalid`], [`ServiceError::DraftTooLarge`],
    /// [`ServiceError::RevisionMismatch`], and those of access.
    pub async fn replace_ct_logs(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        request: &ReplaceCtLogsRequest,
        expected_revision: Option<u64>,
        now: UnixTime,
    ) -> Result<CtLogsResponse, ServiceError> {
        let wrong = |member, expected| ServiceError::ValueInvalid { member, expected };
        if request.as_of > now.as_secs() {
            return Err(wrong("as_of", "a time that is not in the future"));
        }
        if request.logs.len() > MAX_LOGS {
            return Err(wrong("logs", "at most 1000 logs"));
        }
        let tx = self.begin_change(actor, now).await?;
        let project = find_editable_project(&tx, actor, path, expected_revision).await?;
        let scope = &project.scope;
        let logs = request.logs.iter().map(|log| parse_log(&project.row.id, log)).collect::<Result<_, _>>()?;
        match tx.replace_ct_logs(scope, logs).await {
            Err(StoreError::AlreadyExists) => return Err(wrong("logs", "a list that names each log once")),
            replaced => replaced?,
        }
        let mut draft = tx.find_draft(scope).await?.ok_or(ServiceError::NotFound { what: "draft" })?;
        draft.ct_logs_as_of = Some(Unsigned::from(request.as_of));
        tx.save_draft(scope, &draft).await?;
        let logs = tx.list_ct_logs(scope).await?;
        write_claims(&make_claims(&project, &draft, &tx.list_domains(scope).await?, &logs, 1, now)?, &[])?;
        tx.raise_revision(scope).await?;
        let event = Event::in_project(scope, AuditAction::CtLogsReplaced, "draft", project.row.id.as_str());
        tx.commit(event.after(json!({ "as_of": request.as_of, "logs": logs.len() }))).await?;
        Ok(respond::ct_logs(&draft, &logs))
    }
}
