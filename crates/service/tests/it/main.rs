//! The rules of the control plane, through the service alone.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![expect(clippy::disallowed_methods, reason = "tests arrange what no action makes")]

mod access;
mod accounts;
mod alerts;
mod approval;
mod audit;
mod audit_log;
mod authoring;
mod ct;
mod custody;
mod deletion;
mod documents;
mod drafts;
mod drift;
mod drift_agents;
mod drift_ct;
mod drift_propose;
mod drift_scale;
mod emergency;
mod guard;
mod guarded;
mod instances;
mod lifecycle;
mod members;
mod passkeys;
mod projects;
mod publishing;
mod releases;
mod rotation;
mod security;
mod sso;
mod succession;
mod summary;
mod support;
mod targets;
mod tokens;
mod violations;
mod webhooks;
