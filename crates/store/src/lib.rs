//! Records and queries of the Pintle control plane.
//!
//! [`Store`] opens a database and brings its schema up to date; [`ReadTx`] is a consistent view of it and [`WriteTx`] a
//! change that happens whole or not at all. Every question is a method of one of the two; SQL is written nowhere else.
//!
//! Tenants are kept apart by types: rows of an organization are reached with an [`OrganizationScope`], which exists only
//! as the answer to "is this account a member?", and rows of a project with a [`ProjectScope`], which comes out of such
//! a scope or out of a job. There is no rule in here about what is allowed: those live in the service layer.
//!
//! # Two databases
//!
//! [`DatabaseUrl`] names a SQLite file or a PostgreSQL database; nothing outside `sqlite.rs` and `postgres.rs` knows which.
//! On both, a change begins when every other one has ended, in any process (`BEGIN IMMEDIATE`; one advisory lock): what it
//! reads stays true until it commits, nothing is retried, and nobody deadlocks. Readers never wait. What it takes for a
//! query to mean the same on both:
//!
//! - Ask with `sea-orm` on [`ReadTx::connection`](ReadTx); no SQL text in queries. A new module needs nothing else.
//! - Migrations: `TEXT`, `BIGINT` and `{{bytes}}` are the types there are. Quote names that are words of SQL (`"release"`,
//!   `"user"`). One change per `ALTER TABLE`; a new column is nullable or has a constant default. No triggers, no
//!   `AUTOINCREMENT`, no dates: times are seconds in a `BIGINT`.
//! - Text is compared and sorted by its bytes. A text with a NUL character is refused by PostgreSQL: validate at the door.
//! - Rows come in no order unless one is asked for, and an order is only whole with a unique column at its end.
//! - After a question of a change failed, [`StoreError::AlreadyExists`] included, the change cannot be committed
//!   ([`StoreError::Undone`]): look before you insert, or give up.
//! - Numbers from SQL come as [`Unsigned`]; a count or a sum is a `BIGINT`.

mod account;
mod alert;
mod audit;
mod ct_log;
mod deletion;
mod draft;
mod drift;
mod entity;
mod error;
mod id;
mod idempotency;
mod identity;
mod invitation;
mod job;
mod key_ciphertext;
mod logged_certificate;
mod mail;
mod maintenance;
mod observed_certificate;
mod one_time_secret;
mod open;
mod organization;
mod page;
mod passkey;
mod postgres;
mod probe_agent;
mod project;
mod proposed_pin;
mod publish_target;
mod published;
mod release;
mod schema;
mod second_factor;
mod session;
mod sqlite;
mod succession;
mod token;
mod transaction;
mod url;
mod value;
mod violation;
mod webhook;
mod workload;

pub use alert::{AlertFilter, AlertRecipient, Notice};
pub use audit::{AuditChain, AuditFilter, AuditOrder};
pub use deletion::DeletedProject;
pub use draft::DraftDomain;
pub use drift::DriftSubject;
pub use entity::{
    account::Model as AccountRow, account_email::Model as EmailRow, account_password::Model as PasswordRow,
    alert::Model as AlertRow, alert_notice::Model as AlertNoticeRow, api_token::Model as TokenRow,
    audit_checkpoint::Model as AuditCheckpointRow, audit_event::Model as AuditEventRow,
    audit_personal::Model as AuditPersonalRow, calendar_feed::Model as CalendarFeedRow, ct_log::Model as CtLogRow,
    domain::Model as DomainRow, draft::Model as DraftRow, drift::Model as DriftRow,
    drift_change::Model as DriftChangeRow, due_date::Model as DueDateRow,
    idempotent_request::Model as IdempotentRequestRow, identity::Model as IdentityRow,
    invitation::Model as InvitationRow, job::Model as JobRow, key_ciphertext::Model as KeyCiphertextRow,
    logged_certificate::Model as LoggedCertificateRow, mail::Model as MailRow,
    notification_choice::Model as NotificationChoiceRow, observed_certificate::Model as ObservedCertificateRow,
    one_time_secret::Model as OneTimeSecretRow, organization::Model as OrganizationRow, passkey::Model as PasskeyRow,
    pin::Model as PinRow, prepared_release::Model as PreparedReleaseRow, probe_agent::Model as ProbeAgentRow,
    project::Model as ProjectRow, proposed_pin::Model as ProposedPinRow, publish_target::Model as PublishTargetRow,
    published_object::Model as PublishedObjectRow, release::Model as ReleaseRow,
    release_target::Model as ReleaseTargetRow, session::Model as SessionRow,
    succession_statement::Model as StatementRow, totp::Model as TotpRow, violation_count::Model as ViolationCountRow,
    webhook::Model as WebhookRow, webhook_message::Model as WebhookMessageRow,
};
pub use error::StoreError;
pub use id::{
    AccountId, AgentId, AlertId, DomainId, IdError, IdentityId, InvitationId, JobId, MailId, MessageId, OrganizationId,
    PasskeyId, PinId, ProjectId, ReleaseId, SessionId, TokenId, WebhookId,
};
pub use invitation::OpenInvitation;
pub use job::{LeasedJob, NewJob};
pub use maintenance::{Inspection, copy_sqlite, fold_sqlite, inspect_sqlite};
pub use open::Store;
pub use organization::{Member, Membership, OrganizationScope};
pub use page::Page;
pub use project::{NewProject, Project, ProjectScope};
pub use release::TargetOutcome;
pub use transaction::{ReadTx, WriteTx};
pub use url::{DatabaseUrl, DatabaseUrlError};
pub use value::{
    AlertChange, Approval, Custody, DueKind, JobKind, MailChoice, MailKind, PasskeyBackup, ReleaseKind, ReleaseSource,
    ReleaseState, Role, TargetState, Unsigned, WebhookFormat,
};
pub use webhook::LeasedMessage;
pub use workload::{PoolUse, Workload};
