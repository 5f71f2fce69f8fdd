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
mod audit;
mod change;
mod claims;
mod ct;
mod diff;
mod error;
mod guard;
mod hex;
mod idempotency;
mod input;
mod jobs;
mod mail;
mod origin;
mod page;
mod password;
mod pending;
mod plan;
mod random;
mod respond;
mod secret_key;
mod security;
mod step_up;
mod succession;

use std::sync::Arc;

use pintle_core::root::BaseUrl;
use pintle_publish::Bucket;
use pintle_store::Store;
use tokio::sync::Notify;

use accounts::Accounts;

pub use access::{Permission, ProjectPath};
pub use accounts::{AccountSettings, SignUp};
pub use actions::{FirstRun, ReleaseCheck};
pub use actor::{Actor, RequestContext};
pub use audit::AuditAction;
pub use error::{
    AccountError, CustodyError, ErrorKind, GrantError, IdempotencyError, MemberError, ReleaseError, ServiceError,
};
pub use idempotency::{IdempotencyKey, KeptAnswer};
pub use jobs::Progress;
pub use mail::{Mailer, MailerError, OutgoingMail};
pub use origin::OriginBucket;
pub use plan::Plan;
pub use secret_key::SecretKey;

use security::SecurityEvents;

const DEFAULT_AUDIT_RETENTION_SECS: u64 = 365 * 86_400;

/// The control plane: a database, the places releases are published to, and the URL apps find them at.
#[derive(Debug)]
pub struct Service {
    store: Store,
    buckets: Vec<Arc<dyn Bucket>>,
    base_url: BaseUrl,
    plan: Plan,
    erasure_delay_secs: u64,
    jobs: Notify,
    security: Arc<SecurityEvents>,
    accounts: Accounts,
    audit_retention_secs: u64,
}

/// What was deleted is erased for good after 30 days.
const DEFAULT_ERASURE_DELAY_SECS: u64 = 30 * 86_400;

impl Service {
    /// A control plane that publishes every release to all of `buckets`; `base_url` is where apps find them.
    pub fn new(store: Store, buckets: Vec<Arc<dyn Bucket>>, base_url: BaseUrl) -> Self {
        Self {
            store,
            buckets,
            base_url,
            plan: Plan::default(),
            erasure_delay_secs: DEFAULT_ERASURE_DELAY_SECS,
            jobs: Notify::new(),
            security: Arc::default(),
            accounts: Accounts::default(),
            audit_retention_secs: DEFAULT_AUDIT_RETENTION_SECS,
        }
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

    /// The same, with accounts as the operator wants them. `key` protects what a thief of the database must not get;
    /// without a `mailer` no mail is sent, and the operator makes the codes.
    #[must_use]
    pub fn with_accounts(self, settings: AccountSettings, key: SecretKey, mailer: Option<Arc<dyn Mailer>>) -> Self {
        Self { accounts: Accounts { settings, key: Some(key), mailer, ..Accounts::default() }, ..self }
    }

    /// Returns when a mail was added since the last call.
    pub async fn wait_for_mail(&self) {
        self.accounts.mails.notified().await;
    }

    /// Returns when a job was added since the last call.
    pub async fn wait_for_job(&self) {
        self.jobs.notified().await;
    }
}
