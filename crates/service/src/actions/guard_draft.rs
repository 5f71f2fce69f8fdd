use std::{collections::HashMap, sync::Arc};

use base64ct::{Base64, Encoding};
use pintle_api::{Finding, FindingOverride, GuardResponse, ReleaseContent};
use pintle_core::{UnixTime, VerifiedConfig, claims::Claims};
use pintle_discover::Endpoint;
use pintle_store::{DraftDomain, Project, ReadTx, ReleaseKind, ReleaseRow, ReleaseState};

use crate::{
    Actor, GuardError, ProjectPath, Service, ServiceError,
    access::{Permission, find_project},
    claims::write_claims,
    guard::{
        GuardInput, PastRelease, REPORT_PERIOD_SECS, Trend, Watch, find_blocking, guard, list_endpoints, look,
        rehearse, shorten,
    },
    respond,
    succession::Keys,
    violations::{MAX_SUMS, find_trends, first_day},
};

/// Releases read back to find out how long apps tried an entry: more within a week are judged as no trial.
const MAX_HISTORY: u64 = 50;

/// What was judged, outside of any transaction, and how to tell that it still holds.
pub(super) struct Judgement {
    /// Of the draft, and the number of the last release.
    pub(super) basis: Basis,
    pub(super) findings: Vec<Finding>,
}

/// What a judgement rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Basis {
    content: ReleaseContent,
    /// Of no matter to content that does not come from the draft.
    draft_revision: Option<u64>,
    last_release: Option<u64>,
}

impl Service {
    /// What the guard says of the draft: the same as before a release, and nothing is prepared.
    ///
    /// # Errors
    /// [`ServiceError::KeyMissing`], [`ServiceError::DraftInvalid`], [`ServiceError::DraftTooLarge`], [`GuardError::Busy`], and
    /// those of access.
    pub async fn guard_draft(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        now: UnixTime,
    ) -> Result<GuardResponse, ServiceError> {
        let tx = self.store.read().await?;
        let project = find_project(&tx, actor, path, Permission::EditDraft).await?;
        let question = self.make_question(&tx, &project, ReleaseContent::Draft, now).await?;
        drop(tx);
        let claims = Base64::encode_string(&question.bytes);
        let judgement = self.judge(&project, question, now).await?;
        let revision = judgement.basis.draft_revision.unwrap_or_default();
        Ok(GuardResponse { revision, claims, findings: shorten(judgement.findings) })
    }

    /// What a release with this content would do, found out before anything is changed. A withdrawal is in nobody's way.
    pub(super) async fn judge_content(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        content: ReleaseContent,
        needed: Permission,
        now: UnixTime,
    ) -> Result<Option<Judgement>, ServiceError> {
        if content == ReleaseContent::Withdrawal {
            return Ok(None);
        }
        let tx = self.store.read().await?;
        let project = find_project(&tx, actor, path, needed).await?;
        let question = self.make_question(&tx, &project, content, now).await?;
        // Nothing is held while strangers' servers take their time.
        drop(tx);
        self.judge(&project, question, now).await.map(Some)
    }

    /// Refuses a release that waits for a second person if by now it would do harm that its signer did not mean: it may have
    /// waited for weeks. What is wrong with the request itself is for whoever asks to say.
    pub(super) async fn judge_waiting(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        version: u64,
        now: UnixTime,
    ) -> Result<(), ServiceError> {
        let tx = self.store.read().await?;
        let project = find_project(&tx, actor, path, Permission::ApproveRelease).await?;
        let release = tx.find_release(&project.scope, version).await?;
        let is_judged = |release: &ReleaseRow| {
            release.state == ReleaseState::AwaitingApproval
                && release.kind == ReleaseKind::Configuration
                && release.accepted_by != actor.account_id
        };
        let Some(release) = release.filter(is_judged) else { return Ok(()) };
        let question = self.make_question(&tx, &project, ReleaseContent::Release(version), now).await?;
        drop(tx);
        let judgement = self.judge(&project, question, now).await?;
        let meant = respond::overridden(&release).map(|overridden| overridden.overrides).unwrap_or_default();
        Ok(refuse_blocking(&judgement.findings, &meant)?)
    }

    async fn make_question(
        &self,
        tx: &ReadTx,
        project: &Project,
        content: ReleaseContent,
        now: UnixTime,
    ) -> Result<Question, ServiceError> {
        let basis = find_basis(tx, project, content).await?;
        let claims = self.make_content(tx, project, content, basis.last_release.unwrap_or_default() + 1, now).await?;
        let succession = Keys::load(tx, project, &self.base_urls).await?.succession();
        let bytes = write_claims(&claims, &succession)?;
        let previous = self.verify_last_release(tx, project).await?.map(|(_, accepted)| accepted.config);
        let history = self.load_history(tx, project, now).await?;
        let sums = tx.list_violations(&project.scope, first_day(now.as_secs()), MAX_SUMS).await?;
        let trends = find_trends(&sums, now.as_secs());
        let watch = parse_watch_lists(&tx.list_domains(&project.scope).await?);
        Ok(Question { basis, claims, bytes, previous, history, trends, watch })
    }

    async fn judge(&self, project: &Project, question: Question, now: UnixTime) -> Result<Judgement, ServiceError> {
        let Question { basis, claims, previous, history, trends, watch, .. } = question;
        let observations = match &self.guard.look {
            Some(settings) => {
                let _turn = self.guard_turns.wait(project.scope.organization()).await?;
                look(list_endpoints(&claims, &watch), settings).await
            }
            None => Vec::new(),
        };
        let roots = Arc::clone(&self.guard.roots);
        // Thousands of chains take seconds.
        let judging = tokio::task::spawn_blocking(move || {
            let next = rehearse(&claims, now).map_err(|error| {
                tracing::error!(%error, "claims could not be rehearsed");
                ServiceError::Internal("claims to be signed are acceptable to devices")
            })?;
            Ok::<_, ServiceError>(guard(&GuardInput {
                next: &next,
                previous: previous.as_ref(),
                history: Some(&history),
                trends: Some(&trends),
                observations: &observations,
                roots: &roots,
                oldest_level: pintle_core::PROTOCOL_LEVEL,
                now,
            }))
        });
        let findings = judging.await.map_err(|_| ServiceError::Internal("the guard panicked"))??;
        Ok(Judgement { basis, findings })
    }

    /// The releases that devices saw, newest first, back to one older than the report period.
    async fn load_history(
        &self,
        tx: &ReadTx,
        project: &Project,
        now: UnixTime,
    ) -> Result<Vec<PastRelease>, ServiceError> {
        let mut history = Vec::new();
        for release in tx.list_committed_releases(&project.scope, MAX_HISTORY).await? {
            let accepted_at = UnixTime::from_secs(release.accepted_at.value());
            let claims = self.load_release_claims(tx, project, release.version.value()).await?;
            history.push(PastRelease::new(accepted_at, &claims));
            if now.secs_since(accepted_at) >= REPORT_PERIOD_SECS {
                break;
            }
        }
        Ok(history)
    }
}

impl Judgement {
    /// Refuses to go on from what is no longer so.
    pub(super) async fn check_current(&self, tx: &ReadTx, project: &Project) -> Result<(), ServiceError> {
        if find_basis(tx, project, self.basis.content).await? == self.basis {
            Ok(())
        } else {
            Err(GuardError::Outdated.into())
        }
    }
}

struct Question {
    basis: Basis,
    claims: Claims,
    bytes: Vec<u8>,
    previous: Option<VerifiedConfig>,
    history: Vec<PastRelease>,
    trends: HashMap<String, Trend>,
    watch: Watch,
}

async fn find_basis(tx: &ReadTx, project: &Project, content: ReleaseContent) -> Result<Basis, ServiceError> {
    let draft = tx.find_draft(&project.scope).await?.ok_or(ServiceError::NotFound { what: "draft" })?;
    let draft_revision = (content == ReleaseContent::Draft).then(|| draft.revision.value());
    let last_release = tx.find_last_release(&project.scope).await?.map(|release| release.version.value());
    Ok(Basis { content, draft_revision, last_release })
}

/// Those of the draft count for earlier content too: they say where to look now.
fn parse_watch_lists(domains: &[DraftDomain]) -> Watch {
    let parse = |list: &str| list.split_ascii_whitespace().filter_map(|text| Endpoint::parse(text).ok()).collect();
    let watched =
        domains.iter().filter_map(|domain| Some((domain.row.name.clone(), parse(domain.row.watch.as_deref()?))));
    watched.collect::<HashMap<_, _>>()
}

/// Refuses what has an error that nobody meant.
pub(super) fn refuse_blocking(findings: &[Finding], overrides: &[FindingOverride]) -> Result<(), GuardError> {
    let errors = find_blocking(findings, overrides).count();
    if errors == 0 {
        return Ok(());
    }
    let is_meant = |finding: &Finding| overrides.iter().any(|wanted| wanted.covers(finding));
    let findings = findings.iter().filter(|finding| !is_meant(finding)).cloned().collect();
    Err(GuardError::Refused { findings: shorten(findings), errors })
}
