//! Records and queries of the Pintle control plane.
//!
//! [`Store`] opens a database and brings its schema up to date; [`ReadTx`] is a consistent view of it and [`WriteTx`] a
//! change that happens whole or not at all. Every question is a method of one of the two; SQL is written nowhere else.
//!
//! Tenants are kept apart by types: rows of an organization are reached with an [`OrganizationScope`], which exists only
//! as the answer to "is this account a member?", and rows of a project with a [`ProjectScope`], which comes out of such
//! a scope or out of a job. There is no rule in here about what is allowed: those live in the service layer.
//!
//! SQLite is the database today: WAL, `synchronous=FULL`, foreign keys on, one writing connection that takes the
//! write lock when its transaction begins, and a pool of readers. The SQL is portable.

mod account;
mod audit;
mod ct_log;
mod draft;
mod entity;
mod error;
mod id;
mod job;
mod open;
mod organization;
mod project;
mod published;
mod release;
mod schema;
mod succession;
mod transaction;
mod value;

pub use audit::AuditChain;
pub use draft::DraftDomain;
pub use entity::{
    account::Model as AccountRow, api_token::Model as TokenRow, audit_event::Model as AuditEventRow,
    audit_personal::Model as AuditPersonalRow, ct_log::Model as CtLogRow, domain::Model as DomainRow,
    draft::Model as DraftRow, job::Model as JobRow, organization::Model as OrganizationRow, pin::Model as PinRow,
    prepared_release::Model as PreparedReleaseRow, project::Model as ProjectRow,
    published_object::Model as PublishedObjectRow, release::Model as ReleaseRow,
    succession_statement::Model as StatementRow,
};
pub use error::StoreError;
pub use id::{AccountId, DomainId, IdError, JobId, OrganizationId, PinId, ProjectId, ReleaseId, TokenId};
pub use job::LeasedJob;
pub use open::Store;
pub use organization::{Membership, OrganizationScope};
pub use project::{NewProject, Project, ProjectScope};
pub use transaction::{ReadTx, WriteTx};
pub use value::{Custody, JobKind, ReleaseState, Role, Unsigned};
