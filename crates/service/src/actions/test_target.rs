use pintle_api::{TargetTestResponse, TargetTestStep};
use pintle_core::UnixTime;
use pintle_publish::{Finding, probe};
use serde_json::json;

use crate::{
    Actor, AuditAction, Permission, ProjectPath, Service, ServiceError, access::find_project, audit::Event,
    claims::core_ids, destination::describe_open_error,
};

impl Service {
    /// Tries a destination with a file that means nothing, as a publication of this project would use it, with the
    /// server's credentials. It need not be a target yet. What it finds is its answer.
    ///
    /// # Errors
    /// [`crate::TargetError::NotOffered`], and those of access.
    pub async fn test_target(
        &self,
        actor: &Actor,
        path: ProjectPath<'_>,
        name: &str,
        now: UnixTime,
    ) -> Result<TargetTestResponse, ServiceError> {
        let project = find_project(&self.store.read().await?, actor, path, Permission::ManageTargets).await?;
        let destination = self.find_destination(project.scope.organization().as_str(), name)?;
        let (organization, id) = core_ids(&project.scope)?;
        let steps = match destination.open() {
            Ok(bucket) => {
                let findings = probe(
                    bucket.as_ref(),
                    &organization,
                    &id,
                    destination.public_url.as_ref().map(pintle_core::root::BaseUrl::as_str),
                )
                .await;
                findings.into_iter().map(describe).collect()
            }
            Err(error) => vec![TargetTestStep {
                step: "open".to_owned(),
                code: Some("target_credentials_missing".to_owned()),
                message: Some(describe_open_error(&error)),
                hint: Some("this is for whoever runs this server".to_owned()),
            }],
        };
        let report = TargetTestResponse { usable: steps.iter().all(|step| step.code.is_none()), steps };
        let event = Event::in_project(&project.scope, AuditAction::TargetTested, "target", name);
        let tx = self.begin_change(actor, now).await?;
        tx.commit(event.after(json!({ "usable": report.usable }))).await?;
        Ok(report)
    }
}

fn describe(finding: Finding) -> TargetTestStep {
    let (code, message, hint) = match finding.trouble {
        None => (None, None, None),
        Some(trouble) => (Some(trouble.code.to_owned()), Some(trouble.message), Some(trouble.hint)),
    };
    TargetTestStep { step: finding.step.as_str().to_owned(), code, message, hint }
}
