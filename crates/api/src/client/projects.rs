use reqwest::Method;

use super::{Client, ClientError, List, ProjectRef};
use crate::{
    AcceptStatementRequest, AddDomainRequest, AddPinRequest, CopyProjectRequest, CreateProjectRequest, CtLogsResponse,
    DeletionResponse, DomainResponse, DraftResponse, GuardResponse, KeyCiphertextResponse, PinResponse,
    ProjectResponse, RegisterKeyRequest, ReplaceCtLogsRequest, RotationResponse, StartRotationRequest,
    StatementResponse, StoreKeyRequest, UpdateDomainRequest, UpdateDraftRequest, UpdatePinRequest,
    UpdateProjectRequest,
};

/// Routes of projects: keys, domains, pins, drafts.
impl Client {
    /// Creates a project.
    pub async fn create_project(
        &self,
        organization: &str,
        body: &CreateProjectRequest,
    ) -> Result<ProjectResponse, ClientError> {
        self.send_json(Method::POST, &["organizations", organization, "projects"], body).await
    }

    /// The projects of an organization, by name and environment.
    pub fn list_projects(&self, organization: &str) -> List<ProjectResponse> {
        List::new(self, &["organizations", organization, "projects"])
    }

    /// One project.
    pub async fn read_project(&self, project: ProjectRef<'_>) -> Result<ProjectResponse, ClientError> {
        self.send(Method::GET, &project.path([])).await
    }

    /// Changes name, environment or approval.
    pub async fn update_project(
        &self,
        project: ProjectRef<'_>,
        body: &UpdateProjectRequest,
    ) -> Result<ProjectResponse, ClientError> {
        self.send_json(Method::PATCH, &project.path([]), body).await
    }

    /// Creates a project with what this one has in its draft.
    pub async fn copy_project(
        &self,
        project: ProjectRef<'_>,
        body: &CopyProjectRequest,
    ) -> Result<ProjectResponse, ClientError> {
        self.send_json(Method::POST, &project.path(["copy"]), body).await
    }

    /// Deletes a project.
    pub async fn delete_project(&self, project: ProjectRef<'_>) -> Result<DeletionResponse, ClientError> {
        self.send(Method::DELETE, &project.path([])).await
    }

    /// Registers the public signing key; possible until the first release.
    pub async fn register_key(
        &self,
        project: ProjectRef<'_>,
        body: &RegisterKeyRequest,
    ) -> Result<ProjectResponse, ClientError> {
        self.send_json(Method::PUT, &project.path(["key"]), body).await
    }

    /// Has the server keep the project's signing key as ciphertext.
    pub async fn store_key(
        &self,
        project: ProjectRef<'_>,
        body: &StoreKeyRequest,
    ) -> Result<KeyCiphertextResponse, ClientError> {
        self.send_json(Method::PUT, &project.path(["key", "ciphertext"]), body).await
    }

    /// The ciphertext of the project's signing key.
    pub async fn fetch_key(&self, project: ProjectRef<'_>) -> Result<KeyCiphertextResponse, ClientError> {
        self.send(Method::GET, &project.path(["key", "ciphertext"])).await
    }

    /// Has the server forget the ciphertext.
    pub async fn discard_key(&self, project: ProjectRef<'_>) -> Result<(), ClientError> {
        self.send(Method::DELETE, &project.path(["key", "ciphertext"])).await
    }

    /// Submits a succession statement. Submitting the same one again answers with what it became.
    pub async fn accept_statement(
        &self,
        project: ProjectRef<'_>,
        body: &AcceptStatementRequest,
    ) -> Result<StatementResponse, ClientError> {
        self.send_json(Method::POST, &project.path(["statements"]), body).await
    }

    /// Every succession statement, by `seq`.
    pub fn list_statements(&self, project: ProjectRef<'_>) -> List<StatementResponse> {
        List::new(self, &project.path(["statements"]))
    }

    /// `pintle.json`, byte for byte as apps embed it.
    pub async fn read_bundle(&self, project: ProjectRef<'_>) -> Result<Vec<u8>, ClientError> {
        self.exchange(self.request(Method::GET, &project.path(["bundle"]))?).await
    }

    /// Adds a domain to the draft.
    pub async fn add_domain(
        &self,
        project: ProjectRef<'_>,
        body: &AddDomainRequest,
    ) -> Result<DomainResponse, ClientError> {
        self.send_json(Method::POST, &project.path(["domains"]), body).await
    }

    /// The domains of the draft, by name.
    pub fn list_domains(&self, project: ProjectRef<'_>) -> List<DomainResponse> {
        List::new(self, &project.path(["domains"]))
    }

    /// Changes the settings of a domain in the draft.
    pub async fn update_domain(
        &self,
        project: ProjectRef<'_>,
        domain: &str,
        body: &UpdateDomainRequest,
    ) -> Result<DomainResponse, ClientError> {
        self.send_json(Method::PATCH, &project.path(["domains", domain]), body).await
    }

    /// Removes a domain and its pins from the draft.
    pub async fn remove_domain(&self, project: ProjectRef<'_>, domain: &str) -> Result<(), ClientError> {
        self.send(Method::DELETE, &project.path(["domains", domain])).await
    }

    /// Adds a pin to a domain in the draft.
    pub async fn add_pin(
        &self,
        project: ProjectRef<'_>,
        domain: &str,
        body: &AddPinRequest,
    ) -> Result<PinResponse, ClientError> {
        self.send_json(Method::POST, &project.path(["domains", domain, "pins"]), body).await
    }

    /// Changes what is said about a pin in the draft.
    pub async fn update_pin(
        &self,
        project: ProjectRef<'_>,
        domain: &str,
        pin: &str,
        body: &UpdatePinRequest,
    ) -> Result<PinResponse, ClientError> {
        self.send_json(Method::PATCH, &project.path(["domains", domain, "pins", pin]), body).await
    }

    /// Begins the change of the key of a domain's servers.
    pub async fn start_rotation(
        &self,
        project: ProjectRef<'_>,
        domain: &str,
        body: &StartRotationRequest,
    ) -> Result<RotationResponse, ClientError> {
        self.send_json(Method::PUT, &project.path(["domains", domain, "rotation"]), body).await
    }

    /// How far the change of a domain's key has come, as far as drafts and releases tell.
    pub async fn read_rotation(&self, project: ProjectRef<'_>, domain: &str) -> Result<RotationResponse, ClientError> {
        self.send(Method::GET, &project.path(["domains", domain, "rotation"])).await
    }

    /// Ends the change of a domain's key, wherever it stands.
    pub async fn end_rotation(&self, project: ProjectRef<'_>, domain: &str) -> Result<(), ClientError> {
        self.send(Method::DELETE, &project.path(["domains", domain, "rotation"])).await
    }

    /// Removes a pin from a domain in the draft.
    pub async fn remove_pin(&self, project: ProjectRef<'_>, domain: &str, pin: &str) -> Result<(), ClientError> {
        self.send(Method::DELETE, &project.path(["domains", domain, "pins", pin])).await
    }

    /// The draft, with its difference from the last accepted release.
    pub async fn read_draft(&self, project: ProjectRef<'_>) -> Result<DraftResponse, ClientError> {
        self.send(Method::GET, &project.path(["draft"])).await
    }

    /// What the guard says of the draft, after a look at its live servers.
    pub async fn guard_draft(&self, project: ProjectRef<'_>) -> Result<GuardResponse, ClientError> {
        self.send(Method::GET, &project.path(["draft", "guard"])).await
    }

    /// Changes settings of the draft.
    pub async fn update_draft(
        &self,
        project: ProjectRef<'_>,
        body: &UpdateDraftRequest,
    ) -> Result<DraftResponse, ClientError> {
        self.send_json(Method::PATCH, &project.path(["draft"]), body).await
    }

    /// The Certificate Transparency logs of the draft, by operator and name.
    pub async fn read_ct_logs(&self, project: ProjectRef<'_>) -> Result<CtLogsResponse, ClientError> {
        self.send(Method::GET, &project.path(["draft", "ct-logs"])).await
    }

    /// Replaces the Certificate Transparency logs of the draft.
    pub async fn replace_ct_logs(
        &self,
        project: ProjectRef<'_>,
        body: &ReplaceCtLogsRequest,
    ) -> Result<CtLogsResponse, ClientError> {
        self.send_json(Method::PUT, &project.path(["draft", "ct-logs"]), body).await
    }
}
