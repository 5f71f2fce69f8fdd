//! Every action a person or a job can take in the control plane, one file each under `actions/`. Rules live here and
//! nowhere else: API, pages and jobs extract, call one action, and map its answer.
//!
//! ```text
//! prepare_release ─► claims to sign ─► (signed where the key is) ─► accept_release ─► job ─► run_next_job
//! ```
//!
//! The service never sees a private key. It accepts a release only if `pintle_core::verify` does, and only if its claims
//! are, byte for byte, the ones it prepared. Every action names its [`Actor`]; what the actor may do is one table in
//! `access.rs`, and what belongs to others does not exist for it. A change and its event in the audit log are one
//! transaction: a `Change` cannot be committed without an event. Time is an argument.

mod access;
mod accounts;
mod actions;
mod actor;
mod address;
mod alert;
mod audit;
mod change;
mod claims;
mod ct;
mod day;
mod decode;
mod derived;
mod destination;
mod diff;
mod drift;
pub mod emergency;
mod error;
pub mod guard;
mod hex;
mod idempotency;
mod input;
mod jobs;
mod lookup;
mod mail;
mod origin;
mod page;
mod passkey;
mod password;
mod pending;
mod plan;
mod random;
mod replace_draft;
mod respond;
pub mod rotation;
mod secret_key;
mod security;
mod sso;
mod step_up;
mod succession;
mod throttle;
mod violations;
mod webhook;

use std::sync::Arc;

use pintle_core::root::BaseUrl;
use pintle_discover::AddressPolicy;
use pintle_publish::Bucket;
use pintle_store::Store;
use tokio::sync::Notify;

use accounts::Accounts;
use derived::DerivedDrafts;
use guard::GuardSettings;
use violations::Violations;

pub use access::{Permission, ProjectPath};
pub use accounts::{AccountSettings, SignUp};
pub use actions::{
    Allotment, DraftSummary, FirstRun, FoundDomains, InstallationAudit, KnownCertificate, LinkKind, LostFactors,
    PlanUse, ReleaseCheck,
};
pub use actor::{Actor, RequestContext};
pub use alert::{AlertKind, AlertNature, AlertSettings};
pub use audit::AuditAction;
pub use decode::{UnverifiedConfig, decode};
pub use destination::{Destination, Offer};
pub use drift::{CtWatch, MonitorSettings};
pub use error::{
    AccountError, CustodyError, DecodeError, ErrorKind, GrantError, GuardError, IdempotencyError, LookupError,
    MemberError, PasskeyError, ProbeError, ReleaseError, ServiceError, SsoError, TargetError, WebhookError,
};
pub use idempotency::{IdempotencyKey, KeptAnswer};
pub use jobs::{Lane, Progress};
pub use lookup::{complete_chains, describe_facts, describe_survey, find_caa};
pub use mail::{Mailer, MailerError, OutgoingMail};
pub use origin::OriginBucket;
pub use plan::Plan;
pub use secret_key::SecretKey;
pub use sso::{IdentityProvider, IdentityProviderError, SsoAnswer, SsoChallenge, SsoProvider, VerifiedIdentity};
pub use webhook::{OutgoingMessage, SendError, WebhookSender};

use security::SecurityEvents;

const DEFAULT_AUDIT_RETENTION_SECS: u64 = 365 * 86_400;

/// The control plane: a database, the places releases are published to, and the URL apps find them at.
#[derive(Debug)]
pub struct Service {
    store: Store,
    /// Somewhere else, since the service is moved around while it is put together.
    derived_drafts: Box<DerivedDrafts>,
    buckets: Vec<Arc<dyn Bucket>>,
    destinations: Vec<Destination>,
    base_urls: Vec<BaseUrl>,
    plan: Plan,
    erasure_delay_secs: u64,
    jobs: Notify,
    target_jobs: Notify,
    security: Arc<SecurityEvents>,
    accounts: Accounts,
    audit_retention_secs: u64,
    lookups: Option<lookup::Lookups>,
    decodes: bool,
    guard: GuardSettings,
    guard_turns: guard::Turns,
    alerts: AlertSettings,
    monitor: Option<MonitorSettings>,
    /// Somewhere else, too.
    ct_watch: Option<Arc<CtWatch>>,
    violations: Option<Violations>,
    sender: Option<Arc<dyn WebhookSender>>,
    messages: Notify,
}

/// What was deleted is erased for good after 30 days.
const DEFAULT_ERASURE_DELAY_SECS: u64 = 30 * 86_400;

impl Service {
    /// A control plane that publishes every release to all of `buckets`; `base_url` is where apps find them.
    pub fn new(store: Store, buckets: Vec<Arc<dyn Bucket>>, base_url: BaseUrl) -> Self {
        Self {
            store,
            derived_drafts: Box::default(),
            buckets,
            destinations: Vec::new(),
            base_urls: vec![base_url],
            plan: Plan::default(),
            erasure_delay_secs: DEFAULT_ERASURE_DELAY_SECS,
            jobs: Notify::new(),
            target_jobs: Notify::new(),
            security: Arc::default(),
            accounts: Accounts::default(),
            audit_retention_secs: DEFAULT_AUDIT_RETENTION_SECS,
            lookups: None,
            decodes: false,
            guard: GuardSettings::default(),
            guard_turns: guard::Turns::default(),
            alerts: AlertSettings::default(),
            monitor: None,
            ct_watch: None,
            violations: None,
            sender: None,
            messages: Notify::new(),
        }
    }

    /// More URLs under which apps find what is published; they ask another one where one fails.
    #[must_use]
    pub fn with_fail_over(mut self, urls: impl IntoIterator<Item = BaseUrl>) -> Self {
        self.base_urls.extend(urls);
        self
    }

    /// The same with places that projects may publish to besides.
    #[must_use]
    pub fn with_destinations(self, destinations: Vec<Destination>) -> Self {
        Self { destinations, ..self }
    }

    /// The same with limits on what everybody may create.
    #[must_use]
    pub fn with_plan(self, plan: Plan) -> Self {
        Self { plan, ..self }
    }

    /// The same, erasing for good so many seconds after a deletion.
    #[must_use]
    pub fn with_erasure_delay(self, secs: u64) -> Self {
        Self { erasure_delay_secs: secs, ..self }
    }

    /// The same, with another time that events are kept in the audit log: one year otherwise.
    #[must_use]
    pub fn with_audit_retention(self, days: u64) -> Self {
        Self { audit_retention_secs: days.saturating_mul(86_400), ..self }
    }

    /// The same, looking up certificates for whoever asks, where `policy` allows; otherwise for nobody.
    #[must_use]
    pub fn with_lookups(self, policy: Option<AddressPolicy>) -> Self {
        Self { lookups: policy.map(lookup::Lookups::new), ..self }
    }

    /// The same, decoding configurations for whoever asks, or for nobody.
    #[must_use]
    pub fn with_decoding(self, decodes: bool) -> Self {
        Self { decodes, ..self }
    }

    /// The same, with a guard that looks at live servers before a release: otherwise it judges the file alone.
    #[must_use]
    pub fn with_guard(self, guard: GuardSettings) -> Self {
        Self { guard, ..self }
    }

    /// The same, with other days on which members are told what ends.
    #[must_use]
    pub fn with_alerts(self, settings: AlertSettings) -> Self {
        Self { alerts: settings, ..self }
    }

    /// The same, looking by itself whether the world is as the live releases say; otherwise it looks at nothing.
    #[must_use]
    pub fn with_monitor(self, monitor: Option<MonitorSettings>) -> Self {
        Self { monitor, ..self }
    }

    /// The same, asking what Certificate Transparency holds for the domains that the monitor looks at; otherwise nobody is asked.
    #[must_use]
    pub fn with_ct_watch(self, ct_watch: Option<CtWatch>) -> Self {
        Self { ct_watch: ct_watch.map(Arc::new), ..self }
    }

    /// The same, counting the violations that apps report; otherwise nobody's report is taken.
    #[must_use]
    pub fn with_violation_reports(self, collects: bool) -> Self {
        Self { violations: collects.then(Violations::default), ..self }
    }

    /// The same, with somebody who carries messages to webhooks; otherwise they wait.
    #[must_use]
    pub fn with_webhooks(self, sender: Arc<dyn WebhookSender>) -> Self {
        Self { sender: Some(sender), ..self }
    }

    /// The same, with accounts as the operator wants them. `key` protects what a thief of the database must not get;
    /// without a `mailer` no mail is sent, and the operator makes the codes.
    #[must_use]
    pub fn with_accounts(self, settings: AccountSettings, key: SecretKey, mailer: Option<Arc<dyn Mailer>>) -> Self {
        Self { accounts: Accounts { settings, key: Some(key), mailer, ..Accounts::default() }, ..self }
    }

    /// The same, with providers of single sign-on. To be said after [`with_accounts`](Self::with_accounts).
    #[must_use]
    pub fn with_sso(self, providers: Vec<SsoProvider>) -> Self {
        Self { accounts: Accounts { providers, ..self.accounts }, ..self }
    }

    /// Returns when a mail was added since the last call.
    pub async fn wait_for_mail(&self) {
        self.accounts.mails.notified().await;
    }

    /// Returns when a job was added since the last call.
    pub async fn wait_for_job(&self) {
        self.jobs.notified().await;
    }

    /// The same for jobs about targets. Several may wait: each job wakes one of them.
    pub async fn wait_for_target_job(&self) {
        self.target_jobs.notified().await;
    }

    pub(crate) fn wake_jobs(&self) {
        self.jobs.notify_one();
        self.target_jobs.notify_one();
    }
}
