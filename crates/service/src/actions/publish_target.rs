use pintle_core::UnixTime;
use pintle_publish::{Outcome, Publication, publish, unpublish};
use pintle_store::{JobKind, LeasedJob, Project, ProjectScope, TargetOutcome, TargetState};

use crate::{
    AlertKind, Service, ServiceError,
    alert::set_condition,
    change::Change,
    claims::{core_ids, make_root},
    destination::{Destination, TURN, describe_open_error, describe_publish_error},
    jobs::Attempt,
};

/// A target that fails in the first attempts may only be slow to wake up.
const QUIET_ATTEMPTS: u64 = 3;

/// What a job about one target is about.
struct Subject<'a> {
    project: pintle_store::ProjectId,
    version: Option<u64>,
    target: &'a str,
}

impl Service {
    /// The job that brings a release to one target of its project. Each target has one of its own, so that a slow or dead
    /// target holds up no other.
    pub(crate) async fn publish_to_target(&self, job: &LeasedJob, now: UnixTime) -> Result<Attempt, ServiceError> {
        let tx = self.store.read().await?;
        let Some(subject) = Subject::parse(job) else { return self.drop_job(job, now).await };
        let project = tx.load_project(&subject.project).await?;
        let (Some(project), Some(version)) = (project, subject.version) else { return self.drop_job(job, now).await };
        let scope = &project.scope;
        let is_target = tx.find_publish_target(scope, subject.target).await?.is_some();
        let file = tx.load_release_file(scope, version).await?;
        let (true, Some(file)) = (is_target, file) else { return self.drop_job(job, now).await };
        let mut publication =
            Publication::verify(make_root(&project, &self.list_urls(&tx, &project).await?)?, file.into_bytes(), now)?;
        if publication.is_withdrawal() {
            let earlier = tx.list_all_releases(scope).await?;
            publication = publication.after(earlier.iter().map(|release| release.version.value()));
        }
        drop(tx);
        let organization = scope.organization().as_str();
        let result = match self.find_destination(organization, subject.target) {
            Err(error) => Err(error.to_string()),
            Ok(destination) => bring(destination, &publication, now).await,
        };
        let purged = match (&result, self.find_destination(organization, subject.target)) {
            (Ok(Outcome::Live), Ok(destination)) => tell_cdn(destination, &project).await?,
            _ => None,
        };
        let (state, error) = match &result {
            Ok(Outcome::Live) => (TargetState::Live, purged.as_deref()),
            Ok(Outcome::Superseded) => (TargetState::Superseded, None),
            Err(error) => (TargetState::Failed, Some(error.as_str())),
        };
        if let Some(error) = error {
            let attempts = job.row.attempts.value();
            tracing::warn!(job.id = %job.row.id, job.attempts = attempts, target.name = subject.target,
                project.id = %scope.project(), release.version = version, ?state, error, "trouble at a target");
        }
        let tx = self.begin_system_change(now).await?;
        if tx.find_publish_target(scope, subject.target).await?.is_none() {
            // Removed meanwhile.
            tx.delete_job(job).await?;
            tx.commit_recorded().await?;
            return Ok(Attempt::Done);
        }
        let outcome = TargetOutcome { target: subject.target, state, error };
        tx.save_release_target(scope, version, &outcome, now.as_secs()).await?;
        alert_about_target(&tx, scope, &outcome, job, now).await?;
        if state == TargetState::Failed {
            tx.commit_recorded().await?;
            return Ok(Attempt::Failed);
        }
        if tx.delete_job(job).await? {
            self.settle_release(&tx, &project, version, now).await?;
        }
        tx.commit_recorded().await?;
        Ok(Attempt::Done)
    }

    /// The job that takes the files of a project out of what was its target.
    pub(crate) async fn unpublish_target(&self, job: &LeasedJob, now: UnixTime) -> Result<Attempt, ServiceError> {
        let tx = self.store.read().await?;
        let Some(subject) = Subject::parse(job) else { return self.drop_job(job, now).await };
        let Some(project) = tx.load_project(&subject.project).await? else { return self.drop_job(job, now).await };
        let is_target_again = tx.find_publish_target(&project.scope, subject.target).await?.is_some();
        let last = tx.find_last_release(&project.scope).await?.map_or(0, |release| release.version.value());
        drop(tx);
        if !is_target_again {
            let organization = project.scope.organization().as_str();
            let Ok(destination) = self.find_destination(organization, subject.target) else {
                return self.drop_job(job, now).await;
            };
            let (of, id) = core_ids(&project.scope)?;
            let removed = match destination.open() {
                Err(error) => Err(describe_open_error(&error)),
                Ok(bucket) => match tokio::time::timeout(TURN, unpublish(bucket.as_ref(), &of, &id, 1..=last)).await {
                    Ok(removed) => removed.map_err(|error| describe_publish_error(&error)),
                    Err(_) => Err("it takes too long".to_owned()),
                },
            };
            if let Err(error) = removed {
                tracing::warn!(job.id = %job.row.id, target.name = subject.target, project.id = %project.scope.project(),
                    error, "the files at a former target were not removed; it will be tried again");
                return Ok(Attempt::Failed);
            }
            tell_cdn(destination, &project).await?;
        }
        self.drop_job(job, now).await
    }

    /// There is nothing to do (any longer).
    async fn drop_job(&self, job: &LeasedJob, now: UnixTime) -> Result<Attempt, ServiceError> {
        let tx = self.begin_system_change(now).await?;
        tx.delete_job(job).await?;
        tx.commit_recorded().await?;
        Ok(Attempt::Done)
    }
}

impl<'a> Subject<'a> {
    /// `prj_…/7/name` of a publication, `prj_…/name` of a removal.
    fn parse(job: &'a LeasedJob) -> Option<Self> {
        let (project, rest) = job.row.subject.split_once('/')?;
        let project = pintle_store::ProjectId::parse(project).ok()?;
        match job.row.kind {
            JobKind::PublishTarget => {
                let (version, target) = rest.split_once('/')?;
                Some(Self { project, version: Some(version.parse().ok()?), target })
            }
            _ => Some(Self { project, version: None, target: rest }),
        }
    }
}

/// Tells members of a target that does not take releases, and that it does again.
pub(super) async fn alert_about_target(
    tx: &Change,
    scope: &ProjectScope,
    outcome: &TargetOutcome<'_>,
    job: &LeasedJob,
    now: UnixTime,
) -> Result<(), ServiceError> {
    let is_failing = outcome.state == TargetState::Failed;
    if is_failing && job.row.attempts.value() < QUIET_ATTEMPTS {
        return Ok(());
    }
    let detail = is_failing.then(|| format!("The last attempt: {}", outcome.error.unwrap_or("no reason is known")));
    set_condition(tx, scope, AlertKind::TargetFailing, outcome.target, detail, now).await
}

async fn bring(destination: &Destination, publication: &Publication, now: UnixTime) -> Result<Outcome, String> {
    let bucket = destination.open().map_err(|error| describe_open_error(&error))?;
    match tokio::time::timeout(TURN, publish(bucket.as_ref(), publication, now)).await {
        Ok(outcome) => outcome.map_err(|error| describe_publish_error(&error)),
        Err(_) => Err(format!("it took longer than {} s (target_timed_out)", TURN.as_secs())),
    }
}

async fn tell_cdn(destination: &Destination, project: &Project) -> Result<Option<String>, ServiceError> {
    let (organization, id) = core_ids(&project.scope)?;
    Ok(destination.tell_cdn(&organization, &id).await)
}
