//! Against real servers, hostile ones and real material.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod caa;
mod ct_log;
mod ct_search;
mod files;
mod issuer;
mod probe;
mod real_servers;
mod realworld;
mod stage;
mod trouble;
