use reqwest::Method;

use super::{Client, ClientError, List, ProjectRef, parse_json};
use crate::{
    AcceptInvitationRequest, AcceptReleaseRequest, AcceptStatementRequest, AccountResponse, AddDomainRequest,
    AddPasskeyRequest, AddPinRequest, AddProbeAgentRequest, AddTargetRequest, AddressRequest, ApproveReleaseRequest,
    AuditChainResponse, AuditEventResponse, BeginSsoRequest, ConfirmRequest, ConfirmResponse, CopyProjectRequest,
    CreateInvitationRequest, CreateOrganizationRequest, CreateProjectRequest, CreateTokenRequest,
    CreatedInvitationResponse, CreatedTokenResponse, CtLogsResponse, DeletionResponse, DestinationResponse, DiffQuery,
    DiffResponse, DomainResponse, DraftResponse, DriftChangeResponse, DriftResponse, FinishSsoRequest, GuardResponse,
    IdentitiesResponse, IdentityResponse, InvitationResponse, KeyCiphertextResponse, MailedResponse, MemberResponse,
    OrganizationResponse, PasskeyResponse, PasskeySignInRequest, PasskeyStep, PasskeysResponse, PinResponse,
    PrepareReleaseRequest, PreparedReleaseResponse, ProbeAgentResponse, ProbeReportRequest, ProbeReportResponse,
    ProbeTaskResponse, ProjectResponse, ReconcileRequest, ReconcileResponse, RecoveryCodesResponse, RegisterKeyRequest,
    ReleaseResponse, RemoveTargetQuery, RenamePasskeyRequest, ReplaceCtLogsRequest, RotationResponse,
    SecondFactorRequest, SessionResponse, SetPasswordRequest, SignInRequest, SignInResponse, SignedIn,
    SsoProvidersResponse, SsoStep, StartRotationRequest, StatementResponse, StoreKeyRequest, TargetResponse,
    TargetTestResponse, TokenResponse, TotpCodeRequest, TotpResponse, UpdateDomainRequest, UpdateDraftRequest,
    UpdateMemberRequest, UpdateOrganizationRequest, UpdatePinRequest, UpdateProjectRequest, UpdateTokenRequest,
    ViolationsQuery, ViolationsResponse, WhoamiResponse,
};

/// One method per route. Each fails with [`ClientError`]; lists are fetched when they are asked for entries.
impl Client {
    /// Has a code sent that makes an account.
    pub async fn sign_up(&self, body: &AddressRequest) -> Result<MailedResponse, ClientError> {
        self.send_json(Method::POST, &["account", "sign-up"], body).await
    }

    /// Has a code sent that sets a new password.
    pub async fn reset_password(&self, body: &AddressRequest) -> Result<MailedResponse, ClientError> {
        self.send_json(Method::POST, &["account", "reset"], body).await
    }

    /// Does what a code is for.
    pub async fn confirm(&self, body: &ConfirmRequest) -> Result<ConfirmResponse, ClientError> {
        self.send_json(Method::POST, &["account", "confirm"], body).await
    }

    /// Deletes the caller's own account.
    pub async fn delete_account(&self) -> Result<DeletionResponse, ClientError> {
        self.send(Method::DELETE, &["account"]).await
    }

    /// The caller's own account.
    pub async fn read_account(&self) -> Result<AccountResponse, ClientError> {
        self.send(Method::GET, &["account"]).await
    }

    /// Sets the caller's password.
    pub async fn set_password(&self, body: &SetPasswordRequest) -> Result<(), ClientError> {
        self.send_json(Method::PUT, &["account", "password"], body).await
    }

    /// Begins to set up an authenticator.
    pub async fn begin_totp(&self) -> Result<TotpResponse, ClientError> {
        self.send(Method::POST, &["account", "totp"]).await
    }

    /// Puts the authenticator in force.
    pub async fn confirm_totp(&self, body: &TotpCodeRequest) -> Result<RecoveryCodesResponse, ClientError> {
        self.send_json(Method::POST, &["account", "totp", "confirm"], body).await
    }

    /// Removes authenticator and recovery codes.
    pub async fn remove_totp(&self) -> Result<(), ClientError> {
        self.send(Method::DELETE, &["account", "totp"]).await
    }

    /// Begins to sign in with a passkey.
    pub async fn begin_passkey_sign_in(&self) -> Result<PasskeyStep, ClientError> {
        self.send(Method::POST, &["sessions", "passkey", "begin"]).await
    }

    /// Signs in with what an authenticator signed.
    pub async fn finish_passkey_sign_in(&self, body: &PasskeySignInRequest) -> Result<SignedIn, ClientError> {
        self.send_json(Method::POST, &["sessions", "passkey"], body).await
    }

    /// The passkeys of the caller's account.
    pub async fn list_passkeys(&self) -> Result<PasskeysResponse, ClientError> {
        self.send(Method::GET, &["account", "passkeys"]).await
    }

    /// Begins to add a passkey.
    pub async fn begin_passkey(&self) -> Result<PasskeyStep, ClientError> {
        self.send(Method::POST, &["account", "passkeys", "begin"]).await
    }

    /// Adds the passkey that an authenticator made.
    pub async fn finish_passkey(&self, body: &AddPasskeyRequest) -> Result<PasskeyResponse, ClientError> {
        self.send_json(Method::POST, &["account", "passkeys"], body).await
    }

    /// Gives a passkey another name.
    pub async fn rename_passkey(
        &self,
        passkey: &str,
        body: &RenamePasskeyRequest,
    ) -> Result<PasskeyResponse, ClientError> {
        self.send_json(Method::PATCH, &["account", "passkeys", passkey], body).await
    }

    /// Removes a passkey.
    pub async fn remove_passkey(&self, passkey: &str) -> Result<(), ClientError> {
        self.send(Method::DELETE, &["account", "passkeys", passkey]).await
    }

    /// Signs in with the second factor.
    pub async fn finish_sign_in(&self, body: &SecondFactorRequest) -> Result<SignedIn, ClientError> {
        self.send_json(Method::POST, &["sessions", "second-factor"], body).await
    }

    /// Has a code sent to a new address of the caller.
    pub async fn change_address(&self, body: &AddressRequest) -> Result<MailedResponse, ClientError> {
        self.send_json(Method::PUT, &["account", "address"], body).await
    }

    /// Signs in with address and password.
    pub async fn sign_in(&self, body: &SignInRequest) -> Result<SignInResponse, ClientError> {
        self.send_json(Method::POST, &["sessions"], body).await
    }

    /// The providers of single sign-on.
    pub async fn list_sso_providers(&self) -> Result<SsoProvidersResponse, ClientError> {
        self.send(Method::GET, &["sso"]).await
    }

    /// Begins to sign in at a provider.
    pub async fn begin_sso(&self, body: &BeginSsoRequest) -> Result<SsoStep, ClientError> {
        self.send_json(Method::POST, &["sso", "begin"], body).await
    }

    /// Signs in with the provider's answer.
    pub async fn finish_sso(&self, body: &FinishSsoRequest) -> Result<SignInResponse, ClientError> {
        self.send_json(Method::POST, &["sso", "finish"], body).await
    }

    /// The identities that sign in to the caller's account.
    pub async fn list_identities(&self) -> Result<IdentitiesResponse, ClientError> {
        self.send(Method::GET, &["account", "identities"]).await
    }

    /// Begins to link an identity with the caller's account.
    pub async fn begin_link(&self, body: &BeginSsoRequest) -> Result<SsoStep, ClientError> {
        self.send_json(Method::POST, &["account", "identities", "begin"], body).await
    }

    /// Links whom the provider vouches for with the caller's account.
    pub async fn finish_link(&self, body: &FinishSsoRequest) -> Result<IdentityResponse, ClientError> {
        self.send_json(Method::POST, &["account", "identities"], body).await
    }

    /// Unlinks an identity from the caller's account.
    pub async fn unlink_identity(&self, identity: &str) -> Result<(), ClientError> {
        self.send(Method::DELETE, &["account", "identities", identity]).await
    }

    /// The caller's sessions, newest first.
    pub fn list_sessions(&self) -> List<SessionResponse> {
        List::new(self, &["sessions"])
    }

    /// Ends a session of the caller; `current` is the one that asks.
    pub async fn end_session(&self, session: &str) -> Result<(), ClientError> {
        self.send(Method::DELETE, &["sessions", session]).await
    }

    /// Ends every session of the caller but the one that asks.
    pub async fn end_other_sessions(&self) -> Result<(), ClientError> {
        self.send(Method::DELETE, &["sessions"]).await
    }

    /// Whose token this is.
    pub async fn whoami(&self) -> Result<WhoamiResponse, ClientError> {
        self.send(Method::GET, &["whoami"]).await
    }

    /// Creates an organization owned by the caller.
    pub async fn create_organization(
        &self,
        body: &CreateOrganizationRequest,
    ) -> Result<OrganizationResponse, ClientError> {
        self.send_json(Method::POST, &["organizations"], body).await
    }

    /// The caller's organizations, by name.
    pub fn list_organizations(&self) -> List<OrganizationResponse> {
        List::new(self, &["organizations"])
    }

    /// One organization.
    pub async fn read_organization(&self, organization: &str) -> Result<OrganizationResponse, ClientError> {
        self.send(Method::GET, &["organizations", organization]).await
    }

    /// Gives an organization another name.
    pub async fn update_organization(
        &self,
        organization: &str,
        body: &UpdateOrganizationRequest,
    ) -> Result<OrganizationResponse, ClientError> {
        self.send_json(Method::PATCH, &["organizations", organization], body).await
    }

    /// The members of an organization, by account.
    pub fn list_members(&self, organization: &str) -> List<MemberResponse> {
        List::new(self, &["organizations", organization, "members"])
    }

    /// Gives a member another role.
    pub async fn update_member(
        &self,
        organization: &str,
        account: &str,
        body: &UpdateMemberRequest,
    ) -> Result<MemberResponse, ClientError> {
        self.send_json(Method::PATCH, &["organizations", organization, "members", account], body).await
    }

    /// Takes a member out of the organization; with the caller's own account: leaves.
    pub async fn remove_member(&self, organization: &str, account: &str) -> Result<(), ClientError> {
        self.send(Method::DELETE, &["organizations", organization, "members", account]).await
    }

    /// Invites somebody into an organization.
    pub async fn create_invitation(
        &self,
        organization: &str,
        body: &CreateInvitationRequest,
    ) -> Result<CreatedInvitationResponse, ClientError> {
        self.send_json(Method::POST, &["organizations", organization, "invitations"], body).await
    }

    /// The invitations that wait for their answer, oldest first.
    pub fn list_invitations(&self, organization: &str) -> List<InvitationResponse> {
        List::new(self, &["organizations", organization, "invitations"])
    }

    /// Takes an invitation back.
    pub async fn revoke_invitation(&self, organization: &str, invitation: &str) -> Result<(), ClientError> {
        self.send(Method::DELETE, &["organizations", organization, "invitations", invitation]).await
    }

    /// Becomes a member of the organization that the code belongs to.
    pub async fn accept_invitation(&self, body: &AcceptInvitationRequest) -> Result<OrganizationResponse, ClientError> {
        self.send_json(Method::POST, &["invitations", "accept"], body).await
    }

    /// Creates an API token of the caller's account.
    pub async fn create_token(&self, body: &CreateTokenRequest) -> Result<CreatedTokenResponse, ClientError> {
        self.send_json(Method::POST, &["tokens"], body).await
    }

    /// The tokens of the caller's account, oldest first.
    pub fn list_tokens(&self) -> List<TokenResponse> {
        List::new(self, &["tokens"])
    }

    /// Gives a token of the caller's account another name.
    pub async fn update_token(&self, token: &str, body: &UpdateTokenRequest) -> Result<TokenResponse, ClientError> {
        self.send_json(Method::PATCH, &["tokens", token], body).await
    }

    /// Ends a token of the caller's account for good.
    pub async fn revoke_token(&self, token: &str) -> Result<(), ClientError> {
        self.send(Method::DELETE, &["tokens", token]).await
    }

    /// The tokens limited to an organization or a project of it, oldest first.
    pub fn list_organization_tokens(&self, organization: &str) -> List<TokenResponse> {
        List::new(self, &["organizations", organization, "tokens"])
    }

    /// Ends a token limited to an organization or a project of it.
    pub async fn revoke_organization_token(&self, organization: &str, token: &str) -> Result<(), ClientError> {
        self.send(Method::DELETE, &["organizations", organization, "tokens", token]).await
    }

    /// The events of an organization's audit log that the filters of the route let through, newest first unless asked
    /// for otherwise.
    pub fn list_audit_events(&self, organization: &str) -> List<AuditEventResponse> {
        List::new(self, &["organizations", organization, "audit", "events"])
    }

    /// Where an organization's audit log begins and ends.
    pub async fn read_audit_chain(&self, organization: &str) -> Result<AuditChainResponse, ClientError> {
        self.send(Method::GET, &["organizations", organization, "audit", "chain"]).await
    }

    /// Deletes an organization and everything in it.
    pub async fn delete_organization(&self, organization: &str) -> Result<DeletionResponse, ClientError> {
        self.send(Method::DELETE, &["organizations", organization]).await
    }

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

    /// What apps reported of a project in the last days.
    pub async fn list_violations(
        &self,
        project: ProjectRef<'_>,
        query: &ViolationsQuery,
    ) -> Result<ViolationsResponse, ClientError> {
        let request = self.request(Method::GET, &project.path(["violations"]))?.query(query);
        parse_json(&self.exchange(request).await?)
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

    /// The places that the operator lets the organization publish to, by name.
    pub fn list_destinations(&self, organization: &str) -> List<DestinationResponse> {
        List::new(self, &["organizations", organization, "destinations"])
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

    /// Lets a program inside another network report what it sees there.
    pub async fn add_probe_agent(
        &self,
        organization: &str,
        body: &AddProbeAgentRequest,
    ) -> Result<ProbeAgentResponse, ClientError> {
        self.send_json(Method::POST, &["organizations", organization, "probe-agents"], body).await
    }

    /// The probe agents of an organization, by name.
    pub fn list_probe_agents(&self, organization: &str) -> List<ProbeAgentResponse> {
        List::new(self, &["organizations", organization, "probe-agents"])
    }

    /// Takes no report of an agent any more.
    pub async fn remove_probe_agent(&self, organization: &str, agent: &str) -> Result<(), ClientError> {
        let request = self.request(Method::DELETE, &["organizations", organization, "probe-agents", agent])?;
        self.exchange(request).await.map(drop)
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

impl<'a> ProjectRef<'a> {
    fn path<const N: usize>(self, rest: [&'a str; N]) -> Vec<&'a str> {
        let mut path = vec!["organizations", self.organization, "projects", self.project];
        path.extend(rest);
        path
    }
}
