//! Against real servers, hostile ones and real material.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod ct_search;
mod files;
mod probe;
mod realworld;
mod stage;
mod trouble;
