//! The rules of the control plane, through the service alone.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod access;
mod authoring;
mod ct;
mod drafts;
mod publishing;
mod releases;
mod succession;
mod support;
