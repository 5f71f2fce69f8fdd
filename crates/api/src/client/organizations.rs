use reqwest::Method;

use super::{Client, ClientError, List};
use crate::{
    AcceptInvitationRequest, AddProbeAgentRequest, AuditChainResponse, AuditEventResponse, CreateInvitationRequest,
    CreateOrganizationRequest, CreateTokenRequest, CreatedInvitationResponse, CreatedTokenResponse, DeletionResponse,
    DestinationResponse, InvitationResponse, MemberResponse, OrganizationResponse, ProbeAgentResponse, TokenResponse,
    UpdateMemberRequest, UpdateOrganizationRequest, UpdateTokenRequest,
};

/// Routes of organizations: members, tokens, audit log, what the operator offers.
impl Client {
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

    /// The places that the operator lets the organization publish to, by name.
    pub fn list_destinations(&self, organization: &str) -> List<DestinationResponse> {
        List::new(self, &["organizations", organization, "destinations"])
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
}
