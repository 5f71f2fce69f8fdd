//! What goes into the audit log, and how an event is linked to the one before it.

use std::collections::BTreeMap;

use pintle_api::{
    AUDIT_CHAIN_START, AuditActor, AuditActorKind, AuditRecord, AuditTarget, derive_audit_commitment, derive_audit_hash,
};
use pintle_core::UnixTime;
use pintle_store::{
    AccountId, AuditChain, AuditEventRow, AuditPersonalRow, ProjectId, ProjectScope, Unsigned, WriteTx,
};
use serde_json::Value;

use crate::{Actor, RequestContext, ServiceError, alert, random::make_random};

macro_rules! audit_actions {
    ($($(#[doc = $doc:literal])+ $name:ident = $word:literal,)*) => {
        /// Everything that is written into the audit log.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum AuditAction {
            $($(#[doc = $doc])+ $name,)*
        }

        impl AuditAction {
            /// Every action.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// As the log spells it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// What happened, in a sentence.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+).trim_ascii(),)* }
            }
        }
    };
}

audit_actions! {
    /// The installation was set up: first account and token.
    InstallationSetUp = "installation.set_up",
    /// The database was restored from a backup.
    InstallationRestored = "installation.restored",
    /// The operator made a code for an address, on the server's own machine.
    CodeMade = "account.code_made",
    /// An account was made.
    AccountCreated = "account.created",
    /// An account has another address.
    AddressChanged = "account.address_changed",
    /// An account has another password.
    PasswordChanged = "account.password_changed",
    /// An account has an authenticator.
    SecondFactorAdded = "account.second_factor_added",
    /// The authenticator of an account was removed.
    SecondFactorRemoved = "account.second_factor_removed",
    /// An identity of single sign-on was linked with an account.
    IdentityLinked = "account.identity_linked",
    /// An identity of single sign-on was unlinked from an account.
    IdentityUnlinked = "account.identity_unlinked",
    /// A passkey was added to an account.
    PasskeyAdded = "account.passkey_added",
    /// A passkey of an account was given another name.
    PasskeyRenamed = "account.passkey_renamed",
    /// A passkey of an account was removed.
    PasskeyRemoved = "account.passkey_removed",
    /// Somebody signed in.
    SessionBegan = "session.began",
    /// A session was ended before its time.
    SessionEnded = "session.ended",
    /// Somebody failed to sign in.
    SignInFailed = "session.refused",
    /// An organization was created.
    OrganizationCreated = "organization.created",
    /// The organization was given another name.
    OrganizationRenamed = "organization.renamed",
    /// The organization requires single sign-on, or no longer.
    SsoRequirementChanged = "organization.sso_requirement_changed",
    /// Somebody was invited into the organization.
    InvitationCreated = "invitation.created",
    /// An invitation was taken back.
    InvitationRevoked = "invitation.revoked",
    /// An invited person became a member.
    InvitationAccepted = "invitation.accepted",
    /// A member was given another role.
    MemberRoleChanged = "member.role_changed",
    /// A member was taken out of the organization.
    MemberRemoved = "member.removed",
    /// A member left the organization.
    MemberLeft = "member.left",
    /// An API token was created; with one for the whole account, in every organization of the account.
    TokenCreated = "token.created",
    /// An API token was given another name.
    TokenRenamed = "token.renamed",
    /// An API token was revoked.
    TokenRevoked = "token.revoked",
    /// Somebody signed in with no valid token: an unknown one, or one that is revoked or expired.
    TokenRefused = "token.refused",
    /// An API token was used from a network that it was never used from.
    TokenNewNetwork = "token.new_network",
    /// A member tried what the role or the token does not allow.
    PermissionDenied = "permission.denied",
    /// Security events of too many kinds happened at once: these were counted, not written one by one.
    SecurityEventsCounted = "security.counted",
    /// The oldest events of the chain were removed, because their time was over.
    AuditCheckpoint = "audit.checkpoint",
    /// A project was created.
    ProjectCreated = "project.created",
    /// A project's name, environment or approval was changed.
    ProjectUpdated = "project.updated",
    /// A project was created from another one's draft.
    ProjectCopied = "project.copied",
    /// An account was deleted: it signs in nowhere any more; what the log says of the person is erased later.
    AccountDeleted = "account.deleted",
    /// A project was deleted: hidden at once, erased later.
    ProjectDeleted = "project.deleted",
    /// A deleted project was erased for good.
    ProjectErased = "project.erased",
    /// An organization was deleted: hidden at once, erased later.
    OrganizationDeleted = "organization.deleted",
    /// A deleted organization was erased for good, its audit log included.
    OrganizationErased = "organization.erased",
    /// A project's keys were registered or replaced before its first release.
    KeyRegistered = "key.registered",
    /// A succession statement was accepted: the project has another key.
    KeySucceeded = "key.succeeded",
    /// A target was added to a project.
    TargetAdded = "target.added",
    /// A destination was tried with the server's credentials.
    TargetTested = "target.tested",
    /// A target was removed from a project.
    TargetRemoved = "target.removed",
    /// The server keeps the project's encrypted signing key, in place of the one before.
    KeyStored = "key.stored",
    /// Somebody fetched the encrypted signing key: the password alone protects it from them.
    KeyFetched = "key.fetched",
    /// The server forgot the encrypted signing key.
    KeyDiscarded = "key.discarded",
    /// A webhook was added to the organization.
    WebhookAdded = "webhook.added",
    /// A webhook was removed.
    WebhookRemoved = "webhook.removed",
    /// A webhook has another secret.
    WebhookSecretRotated = "webhook.secret_rotated",
    /// A webhook was sent a message that means nothing.
    WebhookTested = "webhook.tested",
    /// A message was sent to a webhook again.
    WebhookReplayed = "webhook.replayed",
    /// A member chose what to be told of.
    NotificationsChanged = "notifications.changed",
    /// A member has a secret URL under which calendars read what ends.
    CalendarCreated = "calendar.created",
    /// The secret URL of a member's calendar was taken back.
    CalendarRemoved = "calendar.removed",
    /// The draft's settings were changed.
    DraftUpdated = "draft.updated",
    /// The draft's CT logs were replaced.
    CtLogsReplaced = "ct_logs.replaced",
    /// A domain was added to the draft.
    DomainAdded = "domain.added",
    /// A domain's settings were changed.
    DomainUpdated = "domain.updated",
    /// A domain was removed from the draft.
    DomainRemoved = "domain.removed",
    /// The change of the key of a domain's servers was begun.
    RotationStarted = "rotation.started",
    /// The change of the key of a domain's servers was ended.
    RotationEnded = "rotation.ended",
    /// A pin was added to the draft.
    PinAdded = "pin.added",
    /// The drift monitor proposes a pin: it saw a key that no pin fits.
    PinProposed = "pin.proposed",
    /// Somebody said no to a pin that the drift monitor proposed.
    PinDismissed = "pin.dismissed",
    /// A pin's label or expiry was changed.
    PinUpdated = "pin.updated",
    /// A pin was removed from the draft.
    PinRemoved = "pin.removed",
    /// Numbers that a release lost with a database may have had are not given again.
    NumbersSkipped = "release.numbers_skipped",
    /// Somebody had a release prepared in spite of errors of the safe-publish guard.
    GuardOverridden = "release.guard_overridden",
    /// Claims were fixed under a number, to be signed.
    ReleasePrepared = "release.prepared",
    /// A signed release was accepted.
    ReleaseAccepted = "release.accepted",
    /// Releases made without the server were looked for.
    ReleasesReconciled = "releases.reconciled",
    /// A release that was signed and published without the server was imported.
    ReleaseImported = "release.imported",
    /// A second person agreed to a release.
    ReleaseApproved = "release.approved",
    /// A release that waited was taken back.
    ReleaseCancelled = "release.cancelled",
    /// A release that waited became void.
    ReleaseVoided = "release.voided",
    /// The time of a scheduled release came.
    ReleaseDue = "release.due",
    /// A release is live on every target.
    ReleaseLive = "release.live",
    /// A probe agent was added: it may report from inside another network.
    ProbeAgentAdded = "probe_agent.added",
    /// A probe agent was removed, and what was believed on its word.
    ProbeAgentRemoved = "probe_agent.removed",
    /// A domain or a place is not, or is again, as its release says.
    DriftChanged = "drift.changed",
}

/// One event in the making.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    chain: AuditChain,
    action: AuditAction,
    target: AuditTarget,
    project: Option<ProjectId>,
    before: Option<Value>,
    after: Option<Value>,
    personal: Vec<Personal>,
}

/// A value that belongs to a person, and whose it is.
#[derive(Clone, Debug)]
struct Personal {
    field: &'static str,
    account: Option<AccountId>,
    value: String,
}

/// Who is behind an event.
#[derive(Clone, Debug)]
pub(crate) struct Author {
    kind: AuditActorKind,
    /// Id and name.
    account: Option<(AccountId, String)>,
    credential_id: Option<String>,
    request: RequestContext,
}

impl Event {
    /// `kind` and `id` of what it happened to.
    pub(crate) fn new(chain: impl Into<AuditChain>, action: AuditAction, kind: &str, id: &str) -> Self {
        let target = AuditTarget { kind: kind.to_owned(), id: Some(id.to_owned()), name: None };
        Self { chain: chain.into(), action, target, project: None, before: None, after: None, personal: Vec::new() }
    }

    /// The same, in the chain of the project's organization.
    pub(crate) fn in_project(scope: &ProjectScope, action: AuditAction, kind: &str, id: &str) -> Self {
        Self { project: Some(scope.project().clone()), ..Self::new(scope, action, kind, id) }
    }

    /// What people call the target; not for names of people.
    pub(crate) fn named(mut self, name: &str) -> Self {
        self.target.name = Some(name.to_owned());
        self
    }

    pub(crate) fn chain(&self) -> &AuditChain {
        &self.chain
    }

    pub(crate) fn action(&self) -> AuditAction {
        self.action
    }

    pub(crate) fn target_id(&self) -> &str {
        self.target.id.as_deref().unwrap_or_default()
    }

    pub(crate) fn target_name(&self) -> Option<&str> {
        self.target.name.as_deref()
    }

    pub(crate) fn project(&self) -> Option<&ProjectId> {
        self.project.as_ref()
    }

    pub(crate) fn before_summary(&self) -> Option<&Value> {
        self.before.as_ref()
    }

    pub(crate) fn after_summary(&self) -> Option<&Value> {
        self.after.as_ref()
    }

    pub(crate) fn before(self, summary: Value) -> Self {
        Self { before: Some(summary), ..self }
    }

    pub(crate) fn after(self, summary: Value) -> Self {
        Self { after: Some(summary), ..self }
    }

    /// A value that belongs to a person: kept beside the chain, so that it can be erased.
    pub(crate) fn personal(mut self, field: &'static str, account: Option<&AccountId>, value: &str) -> Self {
        self.personal.push(Personal { field, account: account.cloned(), value: value.to_owned() });
        self
    }
}

impl From<&Actor> for Author {
    fn from(actor: &Actor) -> Self {
        Self {
            kind: AuditActorKind::Account,
            account: Some((actor.account_id.clone(), actor.account_name.clone())),
            credential_id: Some(actor.credential.id().to_owned()),
            request: actor.request.clone(),
        }
    }
}

impl Author {
    /// A job, or the start of the server.
    pub(crate) fn system() -> Self {
        Self { kind: AuditActorKind::System, account: None, credential_id: None, request: RequestContext::default() }
    }

    /// Somebody who is not signed in.
    pub(crate) fn anonymous(request: RequestContext) -> Self {
        Self { kind: AuditActorKind::Anonymous, account: None, credential_id: None, request }
    }

    /// Tells authors apart by account, credential and network, but not the requests of one.
    pub(crate) fn distinction(&self) -> String {
        let account = self.account.as_ref().map(|(id, _)| id.as_str());
        let parts = [account, self.credential_id.as_deref(), self.request.network.as_deref()];
        parts.map(Option::unwrap_or_default).join(" ")
    }

    /// The values that belong to the person behind it.
    fn personal(&self) -> impl Iterator<Item = Personal> {
        let account = self.account.as_ref().map(|(id, _)| id.clone());
        let name = self.account.as_ref().map(|(_, name)| ("actor_name", name.clone()));
        let network = self.request.network.clone().map(|network| ("network", network));
        let values = name.into_iter().chain(network);
        values.map(move |(field, value)| Personal { field, account: account.clone(), value })
    }
}

/// Appends `event` to its chain, in the transaction of the change it tells of, and alerts whoever is to know.
pub(crate) async fn record(tx: &WriteTx, author: &Author, event: Event, now: UnixTime) -> Result<(), ServiceError> {
    alert::follow(tx, &event, now).await?;
    let account = author.account.as_ref().map(|(id, _)| id);
    let personal = event.personal.into_iter().chain(author.personal()).collect();
    let (commitments, rows) = commit_to(personal, &event.chain)?;

    let last = tx.find_last_audit_event(&event.chain).await?;
    let (seq, previous) = last.as_ref().map_or((1, AUDIT_CHAIN_START), |last| (last.seq.value() + 1, &*last.hash));
    let record = AuditRecord {
        seq,
        at: now.as_secs(),
        action: event.action.as_str().to_owned(),
        actor: AuditActor {
            kind: author.kind,
            account_id: account.map(AccountId::to_string),
            credential_id: author.credential_id.clone(),
        },
        target: event.target,
        project_id: event.project.as_ref().map(ProjectId::to_string),
        before: event.before,
        after: event.after,
        request_id: author.request.request_id.clone(),
        personal: commitments,
    };
    let text = serde_json::to_string(&record).map_err(|_| ServiceError::Internal("an audit record is JSON"))?;
    let row = AuditEventRow {
        chain: event.chain.as_str().to_owned(),
        seq: seq.into(),
        at: now.as_secs().into(),
        action: record.action,
        account_id: account.cloned(),
        project_id: event.project,
        target_id: record.target.id,
        hash: derive_audit_hash(previous, &text),
        record: text,
    };
    Ok(tx.insert_audit_event(row, rows).await?)
}

fn commit_to(
    values: Vec<Personal>,
    chain: &AuditChain,
) -> Result<(BTreeMap<String, String>, Vec<AuditPersonalRow>), ServiceError> {
    let mut commitments = BTreeMap::new();
    let mut rows = Vec::new();
    for Personal { field, account, value } in values {
        let salt: [u8; 32] = make_random()?;
        commitments.insert(field.to_owned(), derive_audit_commitment(&salt, &value));
        rows.push(AuditPersonalRow {
            chain: chain.as_str().to_owned(),
            seq: Unsigned::default(),
            field: field.to_owned(),
            account_id: account,
            value,
            salt: crate::hex::write_hex(&salt),
        });
    }
    Ok((commitments, rows))
}
