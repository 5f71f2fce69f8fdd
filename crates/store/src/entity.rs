//! One module per table. Rows leave the crate under names of their own; entities and columns stay inside.

pub(crate) mod account;
pub(crate) mod account_email;
pub(crate) mod account_password;
pub(crate) mod api_token;
pub(crate) mod audit_checkpoint;
pub(crate) mod audit_event;
pub(crate) mod audit_personal;
pub(crate) mod ct_log;
pub(crate) mod domain;
pub(crate) mod draft;
pub(crate) mod idempotent_request;
pub(crate) mod invitation;
pub(crate) mod job;
pub(crate) mod mail;
pub(crate) mod membership;
pub(crate) mod one_time_secret;
pub(crate) mod organization;
pub(crate) mod pin;
pub(crate) mod prepared_release;
pub(crate) mod project;
pub(crate) mod published_object;
pub(crate) mod release;
pub(crate) mod release_file;
pub(crate) mod release_target;
pub(crate) mod session;
pub(crate) mod succession_statement;
