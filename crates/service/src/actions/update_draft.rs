use base64ct::{Base64, Encoding};
use pintle_api::{DraftResponse, Expiry, OnStale, UpdateDraftRequest};
use pintle_core::{
    UnixTime, claims,
    limits::{MAX_REFRESH_SECS, MIN_REFRESH_SECS},
};
use pintle_store::{DraftRow, Unsigned};
use serde_json::{Value, json};

use crate::{
    Actor, AuditAction, ProjectPath, Service, ServiceError, access::find_editable_project, audit::Event,
    claims::parse_deny,
};

const EXPIRY_SECS: std::ops::RangeInclusive<u64> = 3_600..=315_360_000;

impl Service {
    /// Changes settings of the draft.
    ///
    /// # Errors
    /// [`ServiceError::ValueInvalid`], [`ServiceError::RevisionMismatch`], and those of access.
    pub async fn update_draft(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        request: &UpdateDraftRequest,
        expected_revision: Option<u64>,
        now: UnixTime,
    ) -> Result<DraftResponse, ServiceError> {
        let tx = self.begin_change(actor, now).await?;
        let project = find_editable_project(&tx, actor, path, expected_revision).await?;
        let draft = tx.find_draft(&project.scope).await?.ok_or(ServiceError::NotFound { what: "draft" })?;
        let before = summarize(&draft);
        let draft = apply(draft, request)?;
        tx.save_draft(&project.scope, &draft).await?;
        tx.raise_revision(&project.scope).await?;
        let answer = self.describe_draft(&tx, &project, now).await?;
        let event = Event::in_project(&project.scope, AuditAction::DraftUpdated, "draft", project.row.id.as_str());
        tx.commit(event.before(before).after(summarize(&draft))).await?;
        Ok(answer)
    }
}

fn summarize(draft: &DraftRow) -> Value {
    json!({
        "refresh_secs": draft.refresh_secs.value(),
        "on_stale": draft.on_stale,
        "expires_after_secs": draft.expires_after_secs.map(Unsigned::value),
        "deny": draft.deny,
    })
}

fn apply(mut draft: DraftRow, request: &UpdateDraftRequest) -> Result<DraftRow, ServiceError> {
    if let Some(refresh_secs) = request.refresh_secs {
        if !(MIN_REFRESH_SECS..=MAX_REFRESH_SECS).contains(&refresh_secs) {
            return Err(ServiceError::ValueInvalid { member: "refresh_secs", expected: "60 to 604800" });
        }
        draft.refresh_secs = refresh_secs.into();
    }
    if let Some(on_stale) = request.on_stale {
        draft.on_stale = match on_stale {
            OnStale::Keep => claims::OnStale::Keep,
            OnStale::Fail => claims::OnStale::Fail,
        }
        .as_str()
        .to_owned();
    }
    draft.expires_after_secs = match request.expiry {
        None => draft.expires_after_secs,
        Some(Expiry::Never) => None,
        Some(Expiry::AfterSecs(secs)) if EXPIRY_SECS.contains(&secs) => Some(Unsigned::from(secs)),
        Some(Expiry::AfterSecs(_)) => {
            return Err(ServiceError::ValueInvalid {
                member: "expiry",
                expected: "`never` or 3600 to 315360000 seconds",
            });
        }
    };
    if let Some(deny) = &request.deny {
        let digests = parse_deny(deny.iter().map(String::as_str))?;
        draft.deny = digests.iter().map(|digest| Base64::encode_string(digest)).collect::<Vec<_>>().join(" ");
    }
    Ok(draft)
}
