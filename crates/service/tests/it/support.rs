use std::sync::Arc;

use base64ct::{Base64, Encoding};
use pintle_api::{
    AcceptInvitationRequest, AcceptReleaseRequest, AddDomainRequest, AddPinRequest, ApiToken, AuditRecord,
    CreateInvitationRequest, CreateOrganizationRequest, CreateProjectRequest, CreateTokenRequest, CtRequest,
    DomainResponse, Enforce, EnforceWord, PinMatch, PinResponse, PinType, PrepareReleaseRequest,
    PreparedReleaseResponse, ReleaseResponse, Role, Scope, TokenLifetime, Trust, Unchanged,
};
use pintle_core::{OrganizationId, ProjectId, Root, UnixTime, claims::Claims, root::BaseUrl};
use pintle_publish::{Address, Bucket};
use pintle_service::{
    AccountSettings, Actor, Destination, Mailer, OriginBucket, Plan, ProjectPath, RequestContext, SecretKey, Service,
    ServiceError, WebhookSender,
};
use pintle_sign::{Signer, SigningKey, sign_config};
use pintle_store::{AccountId, AccountRow, AuditChain, Store, TokenId, TokenRow};
use pintle_testkit::database::database_in;
use tempfile::TempDir;

pub(crate) const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

/// A control plane with one owner, one project and its keys.
pub(crate) struct Plane {
    pub(crate) service: Service,
    pub(crate) store: Store,
    pub(crate) owner: Actor,
    pub(crate) key: SigningKey,
    pub(crate) recovery_key: SigningKey,
    pub(crate) organization: String,
    pub(crate) project: String,
    folder: TempDir,
}

impl Plane {
    pub(crate) async fn new() -> Self {
        Box::pin(Self::with_buckets(|store| vec![Arc::new(OriginBucket::new(store))])).await
    }

    pub(crate) async fn with_buckets(buckets: impl FnOnce(Store) -> Vec<Arc<dyn Bucket>>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&database_in(folder.path()).parse().unwrap()).await.unwrap();
        let service = Service::new(store.clone(), buckets(store.clone()), base_url());
        let token = service.set_up(NOW).await.unwrap().unwrap().token;
        let owner = service.authenticate(token.expose_secret(), RequestContext::default(), NOW).await.unwrap();
        let request = CreateOrganizationRequest { name: "Acme".into() };
        let organization = service.create_organization(&owner, &request, NOW).await.unwrap().id;
        let (key, recovery_key) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
        let mut plane = Self { service, store, owner, key, recovery_key, organization, project: String::new(), folder };
        plane.project = plane.add_project("production").await;
        plane
    }

    /// Connections of its own to the same database.
    pub(crate) async fn open_another_store(&self) -> Store {
        Store::open(&database_in(self.folder.path()).parse().unwrap()).await.unwrap()
    }

    /// A file of the built-in origin.
    pub(crate) async fn published(&self, file: &str) -> Option<String> {
        let address = Address::parse(&format!("{}/{}/{file}", self.organization, self.project)).unwrap();
        let stored = self.service.read_published(&address).await.unwrap()?;
        Some(String::from_utf8(stored.body).unwrap())
    }

    pub(crate) fn with_guard(self, guard: pintle_service::guard::GuardSettings) -> Self {
        Self { service: self.service.with_guard(guard), ..self }
    }

    /// The same with accounts that get mail.
    pub(crate) fn with_mailer(self, mailer: Arc<dyn Mailer>) -> Self {
        let settings = AccountSettings { public_url: "https://pins.example.com".into(), ..AccountSettings::default() };
        let key = SecretKey::make().unwrap();
        Self { service: self.service.with_accounts(settings, key, Some(mailer)), ..self }
    }

    pub(crate) fn with_monitor(self, monitor: pintle_service::MonitorSettings) -> Self {
        Self { service: self.service.with_monitor(Some(monitor)), ..self }
    }

    pub(crate) fn with_ct_watch(self, watch: Option<pintle_service::CtWatch>) -> Self {
        Self { service: self.service.with_ct_watch(watch), ..self }
    }

    /// The same, taking reports of violations.
    pub(crate) fn with_violation_reports(self) -> Self {
        Self { service: self.service.with_violation_reports(true), ..self }
    }

    /// The same with somebody who carries messages to webhooks.
    pub(crate) fn with_webhooks(self, sender: Arc<dyn WebhookSender>) -> Self {
        Self { service: self.service.with_webhooks(sender), ..self }
    }

    /// The same with limits.
    pub(crate) fn with_plan(self, plan: Plan) -> Self {
        Self { service: self.service.with_plan(plan), ..self }
    }

    /// The same with more URLs for apps.
    pub(crate) fn with_fail_over(self, urls: Vec<BaseUrl>) -> Self {
        Self { service: self.service.with_fail_over(urls), ..self }
    }

    /// The same with places that the operator offers.
    pub(crate) fn with_destinations(self, destinations: Vec<Destination>) -> Self {
        Self { service: self.service.with_destinations(destinations), ..self }
    }

    pub(crate) async fn add_project(&self, environment: &str) -> String {
        let request = CreateProjectRequest {
            name: "App".into(),
            environment: environment.into(),
            key: Some(pintle_api::RegisterKeyRequest {
                public_key: self.key.public_key().to_base64(),
                recovery_key: Some(self.recovery_key.public_key().to_base64()),
            }),
        };
        self.service.create_project(&self.owner, &self.organization, &request, NOW).await.unwrap().id
    }

    pub(crate) fn path(&self) -> ProjectPath<'_> {
        ProjectPath { organization: &self.organization, project: &self.project }
    }

    /// An account without any membership, and with every scope.
    pub(crate) async fn add_account(&self, scopes: &str) -> Actor {
        let mut random = [0; 32];
        getrandom::fill(&mut random).unwrap();
        let token = ApiToken::make(&random);
        let account =
            AccountRow { id: AccountId::make(NOW.as_secs()), name: "another".into(), created_at: NOW.as_secs().into() };
        let row = TokenRow {
            id: TokenId::make(NOW.as_secs()),
            account_id: account.id.clone(),
            name: "test".into(),
            prefix: token.prefix().into(),
            secret_sha256: token.sha256().iter().map(|byte| format!("{byte:02x}")).collect(),
            scopes: scopes.into(),
            created_at: NOW.as_secs().into(),
            last_used_at: None,
            expires_at: Some((NOW.as_secs() + 1_000_000).into()),
            organization_id: None,
            project_id: None,
            revoked_at: None,
        };
        let tx = self.store.write().await.unwrap();
        tx.insert_account(account).await.unwrap();
        tx.insert_token(row).await.unwrap();
        tx.commit().await.unwrap();
        self.service.authenticate(token.expose_secret(), RequestContext::default(), NOW).await.unwrap()
    }

    pub(crate) async fn sign_in(&self, token: &ApiToken) -> Result<Actor, ServiceError> {
        self.service.authenticate(token.expose_secret(), RequestContext::default(), NOW).await
    }

    /// A new account that was invited into `role`.
    pub(crate) async fn add_member(&self, role: Role) -> Actor {
        let actor = self.add_account("read edit release admin").await;
        let request = CreateInvitationRequest { role, email: None };
        let created = self.service.create_invitation(&self.owner, &self.organization, &request, NOW).await.unwrap();
        let request = AcceptInvitationRequest { code: created.code.unwrap() };
        self.service.accept_invitation(&actor, &request, NOW).await.unwrap();
        actor
    }

    pub(crate) fn token_request(&self, scopes: &[Scope]) -> CreateTokenRequest {
        CreateTokenRequest {
            name: "ci".into(),
            scopes: scopes.to_vec(),
            organization_id: None,
            project_id: None,
            lifetime: TokenLifetime::Default,
        }
    }

    /// The records of the organization's chain, oldest first, with what security events are due.
    pub(crate) async fn audit(&self) -> Vec<AuditRecord> {
        self.service.record_security_events(NOW).await.unwrap();
        let tx = self.store.read().await.unwrap();
        let owner = AccountId::parse(self.owner.account_id()).unwrap();
        let organization = pintle_store::OrganizationId::parse(&self.organization).unwrap();
        let chain = AuditChain::from(&tx.find_membership(&owner, &organization).await.unwrap().unwrap().scope);
        let events = tx.list_audit_events(&chain, 0, 10_000).await.unwrap();
        events.iter().map(|event| serde_json::from_str(&event.record).unwrap()).collect()
    }

    /// What the last event says.
    pub(crate) async fn last_event(&self) -> AuditRecord {
        self.audit().await.pop().unwrap()
    }

    pub(crate) async fn add_domain(&self, name: &str) -> Result<DomainResponse, ServiceError> {
        self.add_domain_with(name, Enforce::default()).await
    }

    /// An entry that refuses nobody, whatever it lacks.
    pub(crate) async fn add_reporting_domain(&self, name: &str) -> DomainResponse {
        self.add_domain_with(name, Enforce::Word(EnforceWord::Report)).await.unwrap()
    }

    async fn add_domain_with(&self, name: &str, enforce: Enforce) -> Result<DomainResponse, ServiceError> {
        let request = AddDomainRequest {
            name: name.into(),
            enforce,
            trust: Trust::default(),
            ct: CtRequest::default(),
            auto_draft: pintle_api::AutoDraft::default(),
            watch: Vec::new(),
        };
        self.service.add_domain(&self.owner, self.path(), &request, None, NOW).await
    }

    pub(crate) async fn add_pin(&self, domain: &DomainResponse, byte: u8) -> Result<PinResponse, ServiceError> {
        self.service.add_pin(&self.owner, self.path(), &domain.id, &pin(byte), None, NOW).await
    }

    pub(crate) async fn prepare(&self) -> Result<PreparedReleaseResponse, ServiceError> {
        let request = PrepareReleaseRequest { unchanged: Unchanged::Refuse, ..PrepareReleaseRequest::default() };
        self.service.prepare_release(&self.owner, self.path(), &request, NOW).await
    }

    pub(crate) async fn prepare_anyway(&self) -> PreparedReleaseResponse {
        let request = PrepareReleaseRequest { unchanged: Unchanged::Release, ..PrepareReleaseRequest::default() };
        self.service.prepare_release(&self.owner, self.path(), &request, NOW).await.unwrap()
    }

    pub(crate) async fn accept(&self, jws: &str) -> Result<ReleaseResponse, ServiceError> {
        let request = AcceptReleaseRequest { jws: jws.into(), publish_at: None };
        self.service.accept_release(&self.owner, self.path(), &request, NOW).await
    }

    /// Prepares, signs and submits.
    pub(crate) async fn release(&self) -> ReleaseResponse {
        let prepared = self.prepare_anyway().await;
        self.accept(&self.sign(&prepared)).await.unwrap()
    }

    pub(crate) fn sign(&self, prepared: &PreparedReleaseResponse) -> String {
        sign(&self.key, &Base64::decode_vec(&prepared.claims).unwrap())
    }
}

pub(crate) fn base_url() -> BaseUrl {
    BaseUrl::parse("https://pins.example.com/cdn").unwrap()
}

pub(crate) fn pin(byte: u8) -> AddPinRequest {
    AddPinRequest {
        pin_type: PinType::SpkiSha256,
        digest: Base64::encode_string(&[byte; 32]),
        pin_match: PinMatch::Leaf,
        expires_at: None,
        source: pintle_api::PinOrigin::ByHand,
        label: None,
    }
}

/// Signs whatever claims say, for the project they name.
pub(crate) fn sign(key: &SigningKey, claims: &[u8]) -> String {
    let parsed = Claims::parse(claims).unwrap();
    let organization = OrganizationId::parse(parsed.organization.as_str()).unwrap();
    let project = ProjectId::parse(parsed.project.as_str()).unwrap();
    let root = Root::new(organization, project, key.public_key(), vec![base_url()]).unwrap();
    sign_config(key, claims, &[], &root).unwrap().as_str().to_owned()
}

pub(crate) fn code<T>(answer: Result<T, ServiceError>) -> &'static str {
    match answer {
        Ok(_) => "ok",
        Err(error) => error.code(),
    }
}
