//! The server over real sockets: routes, published files, starting and stopping.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a panic is how a test fails")]

mod accounts;
mod admin;
mod audit;
mod cdn;
mod configuration;
mod decode;
mod document;
mod edges;
mod errors;
mod guide;
mod hostile;
mod idempotency;
mod instances;
mod lists;
mod live;
mod lookup;
mod operations;
mod origin_speed;
mod page_roles;
mod page_work;
mod pages;
mod permissions;
mod reports;
mod routes;
mod start;
mod support;
mod tls;
mod trouble;
mod webhooks;
