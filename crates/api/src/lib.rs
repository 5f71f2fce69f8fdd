//! Wire types of the Pintle HTTP API (`/api/v1`), and, behind the feature `client`, a typed client for them.
//!
//! This crate says what travels, not what is allowed: rules live in the service layer. Requests refuse unknown
//! members, so a misspelt setting is an error and never silently ignored; responses may gain members, and a client
//! ignores those it does not know.
//!
//! Conventions: members are `snake_case`; times are whole seconds since 1970 UTC and end in `_at`; other numbers carry
//! their unit (`refresh_secs`); digests and public keys are standard base64 with padding; failures are RFC 9457 problem
//! documents ([`Problem`]) with a stable `code`.

mod account;
mod alert;
mod api_token;
mod audit;
#[cfg(feature = "client")]
pub mod client;
mod ct;
mod decode;
mod deletion;
mod diff;
mod domain;
mod draft;
mod drift;
mod export;
mod finding;
mod key;
mod list;
mod lookup;
mod member;
mod notification;
mod organization;
mod passkey;
mod probe;
mod problem;
mod project;
mod release;
mod rotation;
mod session;
mod sso;
mod succession;
mod target;
mod token;
mod violation;
mod webhook;
mod whoami;

pub use account::{
    AccountResponse, AddressRequest, ConfirmRequest, ConfirmResponse, Confirmed, Delivery, MailedResponse,
    RecoveryCodesResponse, SecretText, SetPasswordRequest, TotpCodeRequest, TotpResponse,
};
pub use alert::{AlertQuery, AlertResponse, AlertSeverity, DueDateResponse, DueKind, StatusQuery, StatusResponse};
pub use api_token::{CreateTokenRequest, CreatedTokenResponse, TokenLifetime, TokenResponse, UpdateTokenRequest};
pub use audit::{
    AUDIT_CHAIN_START, AuditActor, AuditActorKind, AuditChainError, AuditChainResponse, AuditEventResponse,
    AuditExportHeader, AuditOrder, AuditPersonal, AuditPoint, AuditQuery, AuditRecord, AuditTarget, AuditVerifier,
    derive_audit_commitment, derive_audit_hash,
};
pub use ct::{CtLogRequest, CtLogResponse, CtLogsResponse, CtPolicy, CtRequest, CtResponse, ReplaceCtLogsRequest};
pub use decode::{ConfigRefusal, DecodeRequest, DecodeResponse};
pub use deletion::DeletionResponse;
pub use diff::{DiffQuery, DiffResponse};
pub use domain::{
    AddDomainRequest, AddPinRequest, AutoDraft, DomainResponse, Enforce, EnforceWord, PinExpiry, PinMatch, PinOrigin,
    PinResponse, PinType, ProposedPinResponse, Trust, UpdateDomainRequest, UpdatePinRequest,
};
pub use draft::{Change, ChangeKind, DraftResponse, DraftSettings, Expiry, OnStale, UpdateDraftRequest};
pub use drift::{Concern, DriftChangeResponse, DriftHistoryQuery, DriftKind, DriftResponse, DriftState};
pub use export::ExportLine;
pub use finding::{
    Finding, FindingCode, FindingGroup, FindingOverride, GuardResponse, OverrideRequest, OverrideResponse, Severity,
    replace_hostile,
};
pub use key::{KeyCiphertextResponse, KeyOpener, StoreKeyRequest};
pub use list::{ListQuery, ListResponse};
pub use lookup::{
    CaaRecordResponse, CaaResponse, ChainCompletion, FetchedCertificate, LookupFailure, LookupQuery, LookupResponse,
    PresentedCertificate, PresentedChain, PresentedFacts, PresentedPin, Sighting,
};
pub use member::{
    AcceptInvitationRequest, CreateInvitationRequest, CreatedInvitationResponse, InvitationResponse, MemberResponse,
    UpdateMemberRequest,
};
pub use notification::{
    CreatedCalendarResponse, MailChoice, NotificationKind, NotificationsResponse, UpdateNotificationsRequest,
};
pub use organization::{CreateOrganizationRequest, OrganizationResponse, Role, UpdateOrganizationRequest};
pub use passkey::{
    AddPasskeyRequest, PasskeyResponse, PasskeySignInRequest, PasskeyStep, PasskeysResponse, RenamePasskeyRequest,
};
pub use probe::{
    AddProbeAgentRequest, PROBE_REPORT_CONTEXT, ProbeAgentResponse, ProbeReport, ProbeReportRequest,
    ProbeReportResponse, ProbeTaskResponse, ProbedDomain, ProbedEndpoint, ProbedSight,
};
pub use problem::Problem;
pub use project::{
    Approval, BundleResponse, CopyProjectRequest, CreateProjectRequest, Custody, ProjectKeyResponse, ProjectResponse,
    RegisterKeyRequest, UpdateProjectRequest,
};
pub use release::{
    AcceptReleaseRequest, ApproveReleaseRequest, DraftOutcome, DraftPolicy, PrepareReleaseRequest,
    PreparedReleaseResponse, ReconcileRequest, ReconcileResponse, RefusedFile, ReleaseContent, ReleaseKind,
    ReleaseResponse, ReleaseState, ReleaseTargetResponse, TargetState, Unchanged,
};
pub use rotation::{RotationPin, RotationResponse, StartRotationRequest};
pub use session::{
    Bearer, SecondFactor, SecondFactorRequest, SessionResponse, SignInRequest, SignInResponse, SignInStep, SignedIn,
};
pub use sso::{BeginSsoRequest, FinishSsoRequest, IdentitiesResponse, IdentityResponse, SsoProvidersResponse, SsoStep};
pub use succession::{AcceptStatementRequest, StatementResponse, StatementSigner};
pub use target::{
    AddTargetRequest, DestinationResponse, RemoveTargetQuery, TargetResponse, TargetTestResponse, TargetTestStep,
};
pub use token::{ApiToken, CalendarSecret, InvitationCode, OneTimeSecret, SessionSecret, TokenError};
pub use violation::{ReportedCount, ViolationReport, ViolationSum, ViolationsQuery, ViolationsResponse};
pub use webhook::{
    CreateWebhookRequest, CreatedWebhookResponse, RotatedSecretResponse, WebhookFormat, WebhookMessageResponse,
    WebhookResponse, WebhookTestResponse,
};
pub use whoami::{CredentialKind, CredentialResponse, Scope, WhoamiResponse};

/// The path under which every route of this version lies.
pub const BASE_PATH: &str = "/api/v1";
