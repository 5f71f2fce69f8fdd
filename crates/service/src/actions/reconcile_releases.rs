use pintle_api::{DraftOutcome, DraftPolicy, ReconcileRequest, ReconcileResponse, RefusedFile};
use pintle_core::{Accepted, State, UnixTime, verify};
use pintle_publish::{Address, BucketError, Object};
use pintle_store::{
    Approval, Project, PublishTargetRow, ReadTx, ReleaseId, ReleaseKind, ReleaseRow, ReleaseSource, ReleaseState,
};
use serde_json::json;

use crate::{
    Actor, AuditAction, ProjectPath, Service, ServiceError,
    access::{Permission, find_project},
    audit::Event,
    change::Change,
    claims::{core_ids, make_claims},
    destination::TURN,
    diff::derive_changes,
    hex::write_hex,
    pending::queue_publication,
    replace_draft::replace_draft,
    respond,
    succession::Keys,
};

/// An emergency makes one release or a few.
const MAX_FILES: usize = 32;
const REQUEST: &str = "request";

/// A file that was found, and where.
struct Found {
    source: String,
    jws: String,
}

/// What is done with a file that verifies.
enum Fate {
    Imported(ReleaseRow),
    Known(u64),
    Refused(ServiceError),
}

impl Service {
    /// Brings the server up to date with what was signed and published without it: the files in `request`, and what the
    /// server's own targets show. Nothing counts but signatures: each file is verified with the core against the
    /// project's succession. What is higher than every release so far is released: lower preparations and what waits
    /// become void, and it goes to every target; where the project asks for a second person, what no target shows waits
    /// for one first. What is lower is kept as history. Repeating it imports nothing twice.
    ///
    /// # Errors
    /// [`ServiceError::ValueInvalid`], [`ServiceError::KeyMissing`], and those of access. A file that cannot be imported
    /// is no error: the answer names it.
    pub async fn reconcile_releases(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        request: &ReconcileRequest,
        now: UnixTime,
    ) -> Result<ReconcileResponse, ServiceError> {
        if request.files.len() > MAX_FILES {
            return Err(ServiceError::ValueInvalid { member: "files", expected: "at most 32 files" });
        }
        let tx = self.store.read().await?;
        let project = find_project(&tx, actor, path, Permission::Release).await?;
        let targets = tx.list_publish_targets(&project.scope).await?;
        // Nothing is held while targets take their time.
        drop(tx);
        // What the targets show comes first: of a file found twice, they say where it is.
        let mut found = self.read_pointers(&project, &targets).await?;
        found.extend(request.files.iter().map(|jws| Found { source: REQUEST.to_owned(), jws: jws.clone() }));

        let tx = self.begin_change(actor, now).await?;
        let project = find_project(&tx, actor, path, Permission::Release).await?;
        let edited = self.is_draft_edited(&tx, &project, now).await?;
        let mut answer = ReconcileResponse {
            imported: Vec::new(),
            known: Vec::new(),
            refused: Vec::new(),
            draft: DraftOutcome::Unchanged,
            draft_changes: Vec::new(),
        };
        let (mut imported, mut newest) = (Vec::new(), None::<ReleaseRow>);
        for (found, accepted) in self.verify_found(&tx, &project, found, &mut answer.refused, now).await? {
            match self.import_release(&tx, &project, actor, &found, &accepted, now).await? {
                Fate::Imported(row) => {
                    imported.push(row.version.value());
                    if row.state == ReleaseState::Accepted
                        && let Some(earlier) = newest.replace(row)
                    {
                        let (from, to) = (ReleaseState::Accepted, ReleaseState::Superseded);
                        tx.move_release(&project.scope, earlier.version.value(), from, to).await?;
                    }
                }
                Fate::Known(version) => answer.known.push(version),
                Fate::Refused(error) => answer.refused.push(refuse(&found.source, &error)),
            }
        }
        if let Some(release) = &newest {
            self.commit_release(&tx, &project.scope, release.version.value()).await?;
            queue_publication(&tx, release, now, now).await?;
        }
        for version in imported {
            let row = tx.find_release(&project.scope, version).await?;
            let row = row.ok_or(ServiceError::Internal("a release that was just imported"))?;
            answer.imported.push(respond::release(&tx, &project.scope, &row).await?);
        }
        if newest.is_some() || request.draft == DraftPolicy::Replace {
            let follows = request.draft == DraftPolicy::Replace || (request.draft == DraftPolicy::Follow && !edited);
            self.settle_draft(&tx, &project, follows, &mut answer, now).await?;
        }
        let event =
            Event::in_project(&project.scope, AuditAction::ReleasesReconciled, "project", project.row.id.as_str());
        tx.commit(event.after(json!({
            "imported": answer.imported.iter().map(|release| release.version).collect::<Vec<_>>(),
            "known": answer.known,
            "refused": answer.refused.len(),
            "draft": answer.draft,
        })))
        .await?;
        self.jobs.notify_one();
        tracing::info!(project.id = %project.row.id, imported = answer.imported.len(), known = answer.known.len(),
            refused = answer.refused.len(), "releases reconciled");
        Ok(answer)
    }

    /// What the server's own targets show of a project.
    async fn read_pointers(&self, project: &Project, targets: &[PublishTargetRow]) -> Result<Vec<Found>, ServiceError> {
        let (organization, id) = core_ids(&project.scope)?;
        let address = Address { organization, project: id, object: Object::Pointer };
        let mut found = Vec::new();
        let opened = targets.iter().filter_map(|target| {
            let destination = self.find_destination(project.scope.organization().as_str(), &target.destination);
            destination.ok()?.open().ok()
        });
        for bucket in self.buckets.iter().cloned().chain(opened) {
            let read = tokio::time::timeout(TURN, bucket.read(&address)).await;
            match read.unwrap_or_else(|elapsed| Err(BucketError::unavailable(elapsed))) {
                Ok(Some(stored)) => found.push(Found {
                    source: bucket.name().to_owned(),
                    jws: String::from_utf8_lossy(&stored.body).into_owned(),
                }),
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(project.id = %project.row.id, bucket.name = bucket.name(), %error,
                        "a target cannot be read; what it shows is not reconciled");
                }
            }
        }
        Ok(found)
    }

    /// Those that verify, lowest first, each once; why the others do not goes into `refused`.
    async fn verify_found(
        &self,
        tx: &ReadTx,
        project: &Project,
        found: Vec<Found>,
        refused: &mut Vec<RefusedFile>,
        now: UnixTime,
    ) -> Result<Vec<(Found, Accepted)>, ServiceError> {
        let keys = Keys::load(tx, project, &self.base_urls).await?;
        let mut genuine: Vec<(Found, Accepted)> = Vec::new();
        for found in found {
            match verify(found.jws.as_bytes(), &keys.root, &State::default(), now) {
                Err(error) => refused.push(refuse(&found.source, &error.into())),
                // Signed before a rotation it is genuine as well; a step that the server does not know is not.
                Ok(accepted) if !keys.include(&accepted.state.chain) => {
                    let version = accepted.config.claims().version;
                    refused.push(refuse(&found.source, &ServiceError::SuccessionOutdated { version }));
                }
                Ok(accepted) if genuine.iter().any(|(_, known)| known.state.floor == accepted.state.floor) => {}
                Ok(accepted) => genuine.push((found, accepted)),
            }
        }
        genuine.sort_by_key(|(_, accepted)| (accepted.config.recovery_seq(), accepted.config.claims().version));
        Ok(genuine)
    }

    async fn import_release(
        &self,
        tx: &Change,
        project: &Project,
        actor: &Actor,
        found: &Found,
        accepted: &Accepted,
        now: UnixTime,
    ) -> Result<Fate, ServiceError> {
        let (scope, claims) = (&project.scope, accepted.config.claims());
        let version = claims.version;
        let digest = accepted.state.floor.map(|floor| floor.claims_digest).unwrap_or_default();
        let claims_sha256 = write_hex(&digest);
        if let Some(known) = tx.find_release(scope, version).await? {
            let waits = known.source == ReleaseSource::External && known.state == ReleaseState::AwaitingApproval;
            let is_known = waits || ReleaseState::COMMITTED.contains(&known.state);
            return Ok(if is_known && known.claims_sha256 == claims_sha256 {
                Fate::Known(version)
            } else {
                Fate::Refused(crate::ReleaseError::NumberTaken { version }.into())
            });
        }
        let last = self.verify_last_release(tx, project).await?;
        let is_higher = last.as_ref().is_none_or(|(last, _)| last.version.value() < version);
        let state = last.map(|(_, last)| last.state).unwrap_or_default();
        let root = Keys::load(tx, project, &self.base_urls).await?.root;
        // Only what apps would go on to from the last release is released; numbers ascend, and what is lower is history.
        let state = match verify(found.jws.as_bytes(), &root, &state, now) {
            // No target of ours shows it: for all the server knows, apps do not have it.
            Ok(_) if is_higher && found.source == REQUEST && project.row.approval == Approval::SecondPerson => {
                ReleaseState::AwaitingApproval
            }
            Ok(_) if is_higher => ReleaseState::Accepted,
            Err(error) if is_higher => return Ok(Fate::Refused(error.into())),
            _ => ReleaseState::Superseded,
        };
        let release = ReleaseRow {
            id: ReleaseId::make(now.as_secs()),
            project_id: project.row.id.clone(),
            version: version.into(),
            claims_sha256: claims_sha256.clone(),
            kind: if claims.withdrawn { ReleaseKind::Withdrawal } else { ReleaseKind::Configuration },
            source: ReleaseSource::External,
            state,
            accepted_by: actor.account_id.clone(),
            accepted_at: now.as_secs().into(),
            publish_at: None,
            approved_by: None,
            approved_at: None,
            live_at: None,
            watched_at: None,
            overridden: None,
        };
        tx.insert_release(scope, release.clone(), found.jws.clone()).await?;
        let event = Event::in_project(scope, AuditAction::ReleaseImported, "release", &version.to_string());
        tx.record(event.after(json!({
            "claims_sha256": claims_sha256,
            "found_at": found.source,
            "signed_by": accepted.config.kid().to_string(),
            "issued_at": claims.issued_at.as_secs(),
            "is_in_force": state == ReleaseState::Accepted,
        })))
        .await?;
        Ok(Fate::Imported(release))
    }

    /// Whether somebody changed the draft since the last release.
    async fn is_draft_edited(&self, tx: &ReadTx, project: &Project, now: UnixTime) -> Result<bool, ServiceError> {
        let claims = self.load_draft_claims(tx, project, now).await?;
        let last = self.verify_last_release(tx, project).await?;
        let last = last.as_ref().map(|(_, accepted)| accepted.config.claims());
        // After a withdrawal the draft says what it said before.
        Ok(last.is_none_or(|last| last.withdrawn) || !derive_changes(last, &claims).is_empty())
    }

    async fn load_draft_claims(
        &self,
        tx: &ReadTx,
        project: &Project,
        now: UnixTime,
    ) -> Result<pintle_core::claims::Claims, ServiceError> {
        let scope = &project.scope;
        let draft = tx.find_draft(scope).await?.ok_or(ServiceError::NotFound { what: "draft" })?;
        make_claims(project, &draft, &tx.list_domains(scope).await?, &tx.list_ct_logs(scope).await?, 1, now)
    }

    /// Compares the draft with the release in force, and brings it there if it `follows`.
    async fn settle_draft(
        &self,
        tx: &Change,
        project: &Project,
        follows: bool,
        answer: &mut ReconcileResponse,
        now: UnixTime,
    ) -> Result<(), ServiceError> {
        let Some((_, last)) = self.verify_last_release(tx, project).await? else { return Ok(()) };
        let released = last.config.claims();
        let changes = derive_changes(Some(released), &self.load_draft_claims(tx, project, now).await?);
        if released.withdrawn || changes.is_empty() {
            return Ok(());
        }
        if follows {
            replace_draft(tx, project, released, now).await?;
            answer.draft = DraftOutcome::Replaced;
            let event = Event::in_project(&project.scope, AuditAction::DraftUpdated, "draft", project.row.id.as_str());
            return tx.record(event.after(json!({ "as_in_release": released.version }))).await;
        }
        answer.draft = DraftOutcome::Conflict;
        answer.draft_changes = changes;
        Ok(())
    }
}

fn refuse(source: &str, error: &ServiceError) -> RefusedFile {
    RefusedFile { source: source.to_owned(), code: error.code().to_owned(), detail: error.to_string() }
}
