//! The Pintle server: three rooms over one service layer, and no rules of its own.
//!
//! ```text
//! /api/v1/…             JSON API, bearer tokens, problem documents     api/
//! /cdn/{org}/{project}/ built-in CDN origin: public, static, signed    cdn/
//! /healthz, /readyz     alive; able to serve                           health
//! (no route)            outbox: brings accepted releases to targets     jobs
//! ```
//!
//! [`run()`] does all of it until its shutdown future completes. It terminates no TLS and knows no private key.

mod api;
mod app;
mod cdn;
mod clock;
mod config;
mod health;
mod jobs;
mod listen;
mod run;

pub use api::openapi_json;
pub use config::{
    ConfigFile, ConfigFlag, ConfigProblem, ConfigSources, EffectiveOption, LoadedConfig, LogConfig, LogFormat, Origin,
    ServerConfig,
};
pub use run::{Ready, ServerError, run};
