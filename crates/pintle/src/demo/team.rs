//! The team's side of the demo: the same API calls that the command line makes.

use std::time::Duration;

use base64ct::{Base64, Encoding};
use pintle_api::{
    AcceptReleaseRequest, AddDomainRequest, AddPinRequest, CreateOrganizationRequest, CreateProjectRequest, CtRequest,
    Enforce, FindingCode, FindingOverride, OverrideRequest, PinMatch, PinType, PrepareReleaseRequest,
    RegisterKeyRequest, ReleaseState, Trust,
    client::{Client, ClientError, ProjectRef},
};
use pintle_core::{
    Root,
    claims::{self, PinDigest},
    root::{BaseUrl, OrganizationId, ProjectId},
};
use pintle_sign::{Signer, SigningKey, sign_config};

use super::DemoError;

/// How often a release is asked whether it is live, and how many times.
const POLL_INTERVAL: Duration = Duration::from_millis(10);
const MAX_POLLS: u32 = 500;

/// One project, with its signing key on this side of the wire.
pub(super) struct Team {
    client: Client,
    organization: String,
    project: String,
    key: SigningKey,
}

impl Team {
    /// Makes organization, project and key; only the public half of the key is sent.
    pub(super) async fn found(client: Client, organization: &str) -> Result<Self, DemoError> {
        let key = SigningKey::generate()?;
        let organization = client.create_organization(&CreateOrganizationRequest { name: organization.into() }).await?;
        let register = RegisterKeyRequest { public_key: key.public_key().to_base64(), recovery_key: None };
        let request =
            CreateProjectRequest { name: "shop".into(), environment: "production".into(), key: Some(register) };
        let project = client.create_project(&organization.id, &request).await?;
        Ok(Self { client, organization: organization.id, project: project.id, key })
    }

    /// Where the project's files lie under a base URL.
    pub(super) fn path(&self, file: &str) -> String {
        format!("{}/{}/{file}", self.organization, self.project)
    }

    /// The root an app embeds, with `url` as its CDN.
    pub(super) fn root(&self, url: &str) -> Result<Root, DemoError> {
        Ok(Root::new(
            OrganizationId::parse(&self.organization)?,
            ProjectId::parse(&self.project)?,
            self.key.public_key(),
            vec![BaseUrl::dangerous_parse_http_loopback(url)?],
        )?)
    }

    /// Stages a domain with no pins yet.
    pub(super) async fn add_domain(&self, name: &str) -> Result<String, DemoError> {
        self.add_watched_domain(name, Vec::new()).await
    }

    /// The same, with hosts for the guard to look at.
    pub(super) async fn add_watched_domain(&self, name: &str, watch: Vec<String>) -> Result<String, DemoError> {
        let request = AddDomainRequest {
            watch,
            name: name.into(),
            enforce: Enforce::default(),
            trust: Trust::default(),
            ct: CtRequest::default(),
            auto_draft: pintle_api::AutoDraft::default(),
        };
        Ok(self.client.add_domain(self.reference(), &request).await?.id)
    }

    /// Stages an SPKI SHA-256 pin of a key that need not be in any certificate yet.
    pub(super) async fn add_pin(&self, domain: &str, spki: &[u8], label: &str) -> Result<(), DemoError> {
        let request = AddPinRequest {
            pin_type: PinType::SpkiSha256,
            digest: PinDigest::derive(claims::PinType::SpkiSha256, spki, &[]).to_base64(),
            pin_match: PinMatch::Leaf,
            expires_at: None,
            source: pintle_api::PinOrigin::File,
            label: Some(label.into()),
        };
        self.client.add_pin(self.reference(), domain, &request).await?;
        Ok(())
    }

    /// Asks for a release to be prepared and leaves it at that: what the guard says, as the code of its first error.
    pub(super) async fn ask_guard(&self, reason: Option<&str>) -> Result<Option<FindingCode>, DemoError> {
        let refusal = FindingOverride { code: FindingCode::WouldRefuse, domain: None };
        let override_request =
            reason.map(|reason| OverrideRequest { findings: vec![refusal], reason: reason.to_owned() });
        let request = PrepareReleaseRequest { override_request, ..PrepareReleaseRequest::default() };
        match self.client.prepare_release(self.reference(), &request).await {
            Ok(_) => Ok(None),
            Err(ClientError::Problem(problem)) if problem.code == "guard_refused" => {
                Ok(problem.findings.first().map(|finding| finding.code))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Prepares, signs here, submits, and waits until the release is live. Returns its number.
    pub(super) async fn release(&self) -> Result<u64, DemoError> {
        let prepared = self.client.prepare_release(self.reference(), &PrepareReleaseRequest::default()).await?;
        let claims = Base64::decode_vec(&prepared.claims).map_err(|_| DemoError::Claims)?;
        let root = self.root("http://127.0.0.1")?;
        let signed = sign_config(&self.key, &claims, &[], &root)?;
        let request = AcceptReleaseRequest { jws: signed.as_str().into(), publish_at: None };
        let version = self.client.accept_release(self.reference(), &request).await?.version;
        for _ in 0..MAX_POLLS {
            if self.client.read_release(self.reference(), version).await?.state == ReleaseState::Live {
                return Ok(version);
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        Err(DemoError::NotLive { version })
    }

    fn reference(&self) -> ProjectRef<'_> {
        ProjectRef { organization: &self.organization, project: &self.project }
    }
}
