use reqwest::Method;

use super::{Client, ClientError, List, ProjectRef, parse_json};
use crate::{
    AcceptReleaseRequest, AddTargetRequest, ApproveReleaseRequest, DiffQuery, DiffResponse, DriftChangeResponse,
    DriftResponse, PrepareReleaseRequest, PreparedReleaseResponse, ProbeReportRequest, ProbeReportResponse,
    ProbeTaskResponse, ReconcileRequest, ReconcileResponse, ReleaseResponse, RemoveTargetQuery, TargetResponse,
    TargetTestResponse, ViolationsQuery, ViolationsResponse,
};

/// Routes of releases: where they go, what the world shows of them.
impl Client {
    /// What apps reported of a project in the last days.
    pub async fn list_violations(
        &self,
        project: ProjectRef<'_>,
        query: &ViolationsQuery,
    ) -> Result<ViolationsResponse, ClientError> {
        let request = self.request(Method::GET, &project.path(["violations"]))?.query(query);
        parse_json(&self.exchange(request).await?)
    }

    /// Freezes the draft into bytes to sign.
    pub async fn prepare_release(
        &self,
        project: ProjectRef<'_>,
        body: &PrepareReleaseRequest,
    ) -> Result<PreparedReleaseResponse, ClientError> {
        self.send_json(Method::POST, &project.path(["releases", "prepare"]), body).await
    }

    /// Submits a signed release. Submitting the same one again answers with the release it became.
    pub async fn accept_release(
        &self,
        project: ProjectRef<'_>,
        body: &AcceptReleaseRequest,
    ) -> Result<ReleaseResponse, ClientError> {
        self.send_json(Method::POST, &project.path(["releases"]), body).await
    }

    /// Imports releases that were signed and published without the server. Repeating it imports nothing twice.
    pub async fn reconcile_releases(
        &self,
        project: ProjectRef<'_>,
        body: &ReconcileRequest,
    ) -> Result<ReconcileResponse, ClientError> {
        self.send_json(Method::POST, &project.path(["releases", "reconcile"]), body).await
    }

    /// The accepted releases, newest first.
    pub fn list_releases(&self, project: ProjectRef<'_>) -> List<ReleaseResponse> {
        List::new(self, &project.path(["releases"]))
    }

    /// One release and how far its publication is.
    pub async fn read_release(&self, project: ProjectRef<'_>, version: u64) -> Result<ReleaseResponse, ClientError> {
        self.send(Method::GET, &project.path(["releases", &version.to_string()])).await
    }

    /// The signed file of a release, byte for byte, also of one that waits. It proves nothing until it is verified.
    pub async fn read_release_file(&self, project: ProjectRef<'_>, version: u64) -> Result<Vec<u8>, ClientError> {
        let version = version.to_string();
        self.exchange(self.request(Method::GET, &project.path(["releases", &version, "file"]))?).await
    }

    /// Agrees to a release that another member submitted.
    pub async fn approve_release(
        &self,
        project: ProjectRef<'_>,
        version: u64,
        body: &ApproveReleaseRequest,
    ) -> Result<ReleaseResponse, ClientError> {
        self.send_json(Method::POST, &project.path(["releases", &version.to_string(), "approve"]), body).await
    }

    /// Adds a target: it gets the live release at once, and every one that follows.
    pub async fn add_target(
        &self,
        project: ProjectRef<'_>,
        body: &AddTargetRequest,
    ) -> Result<TargetResponse, ClientError> {
        self.send_json(Method::POST, &project.path(["targets"]), body).await
    }

    /// The targets of the project, by name.
    pub fn list_targets(&self, project: ProjectRef<'_>) -> List<TargetResponse> {
        List::new(self, &project.path(["targets"]))
    }

    /// What the world shows of the live release.
    pub fn list_drift(&self, project: ProjectRef<'_>) -> List<DriftResponse> {
        List::new(self, &project.path(["drift"]))
    }

    /// What changed of it, newest first; of one domain or place, if it is named.
    pub fn list_drift_changes(&self, project: ProjectRef<'_>, subject: Option<&str>) -> List<DriftChangeResponse> {
        let list = List::new(self, &project.path(["drift", "changes"]));
        match subject {
            Some(subject) => list.filter("subject", subject),
            None => list,
        }
    }

    /// What a probe agent is to look at.
    pub fn list_probe_tasks(&self, project: ProjectRef<'_>) -> List<ProbeTaskResponse> {
        List::new(self, &project.path(["probe-tasks"]))
    }

    /// Hands in what a probe agent saw.
    pub async fn report_probe(
        &self,
        project: ProjectRef<'_>,
        body: &ProbeReportRequest,
    ) -> Result<ProbeReportResponse, ClientError> {
        self.send_json(Method::POST, &project.path(["probe-reports"]), body).await
    }

    /// Removes a target; it holds up no release any more.
    pub async fn remove_target(
        &self,
        project: ProjectRef<'_>,
        target: &str,
        query: &RemoveTargetQuery,
    ) -> Result<(), ClientError> {
        let request = self.request(Method::DELETE, &project.path(["targets", target]))?.query(query);
        self.exchange(request).await.map(drop)
    }

    /// Tries a destination, and says what is missing.
    pub async fn test_target(&self, project: ProjectRef<'_>, target: &str) -> Result<TargetTestResponse, ClientError> {
        self.send(Method::POST, &project.path(["targets", target, "test"])).await
    }

    /// Takes back a release that waits.
    pub async fn cancel_release(&self, project: ProjectRef<'_>, version: u64) -> Result<ReleaseResponse, ClientError> {
        self.send(Method::POST, &project.path(["releases", &version.to_string(), "cancel"])).await
    }

    /// What differs between two releases, or one and the draft.
    pub async fn diff(&self, project: ProjectRef<'_>, query: &DiffQuery) -> Result<DiffResponse, ClientError> {
        let request = self.request(Method::GET, &project.path(["diff"]))?.query(query);
        parse_json(&self.exchange(request).await?)
    }
}
