use pintle_core::UnixTime;
use pintle_publish::unpublish;
use pintle_store::{DeletedProject, JobKind, LeasedJob, NewJob};

use crate::{Service, ServiceError, claims::core_ids, destination::TURN, jobs::Attempt};

/// A publication that ran while its project was deleted may write once more; this long afterwards none does.
const SECOND_PASS_SECS: u64 = 300;
const SECOND_PASS: &str = "second pass";

impl Service {
    /// The unpublish job: takes the files of a deleted project out of every target, and looks again a little later.
    pub(crate) async fn unpublish_project(&self, job: &LeasedJob, now: UnixTime) -> Result<Attempt, ServiceError> {
        let subject = job.row.subject.as_str();
        let deleted = match pintle_store::ProjectId::parse(subject) {
            Ok(id) => self.store.read().await?.find_deleted_project(&id).await?,
            Err(_) => None,
        };
        let is_last = job.row.payload.as_deref() == Some(SECOND_PASS) || deleted.is_none();
        if let Some(project) = deleted
            && !self.remove_files(&project).await?
        {
            return Ok(Attempt::Failed);
        }
        let tx = self.begin_system_change(now).await?;
        if tx.delete_job(job).await? && !is_last {
            let run_at_secs = now.saturating_add_secs(SECOND_PASS_SECS).as_secs();
            let payload = Some(SECOND_PASS.to_owned());
            let again = NewJob { kind: JobKind::Unpublish, subject, payload, run_at_secs };
            tx.insert_job(again, now.as_secs()).await?;
        }
        tx.commit_recorded().await?;
        Ok(Attempt::Done)
    }

    /// Whether every target let go of every file; what failed is logged.
    pub(super) async fn remove_files(&self, project: &DeletedProject) -> Result<bool, ServiceError> {
        let (organization, id) = core_ids(&project.scope)?;
        let mut all_removed = true;
        for bucket in &self.buckets {
            let versions = project.versions.iter().copied();
            if let Err(error) = unpublish(bucket.as_ref(), &organization, &id, versions).await {
                tracing::warn!(project.id = %project.scope.project(), bucket.name = bucket.name(), %error,
                    "the files of a deleted project were not removed; it will be tried again");
                all_removed = false;
            }
        }
        let targets = self.store.read().await?.list_publish_targets(&project.scope).await?;
        for target in targets {
            // What is not offered any more is out of reach.
            let found = self.find_destination(project.scope.organization().as_str(), &target.destination);
            let Ok(destination) = found else { continue };
            let versions = project.versions.iter().copied();
            let removed = match destination.open() {
                Err(error) => Err(error.to_string()),
                Ok(bucket) => {
                    let removal = unpublish(bucket.as_ref(), &organization, &id, versions);
                    let removed = tokio::time::timeout(TURN, removal).await;
                    removed.map_or_else(
                        |_| Err("it takes too long".to_owned()),
                        |removed| removed.map_err(|error| error.to_string()),
                    )
                }
            };
            if let Err(error) = removed {
                tracing::warn!(project.id = %project.scope.project(), target.name = target.destination, error,
                    "the files of a deleted project were not removed; it will be tried again");
                all_removed = false;
            }
        }
        Ok(all_removed)
    }
}
