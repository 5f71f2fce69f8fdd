//! The Pintle server: four rooms over one service layer, and no rules of its own.
//!
//! ```text
//! /api/v1/…             JSON API, bearer tokens, problem documents     api/
//! /cdn/{org}/{project}/ built-in CDN origin: public, static, signed    cdn/
//! /                     dashboard: pages for people, sessions by cookie      pages/
//! /healthz, /readyz     alive; able to serve                           health
//! /metrics              numbers for monitoring, a listener of its own    metrics
//! (no route)            outbox: brings accepted releases to targets     jobs
//! ```
//!
//! [`run()`] does all of it until its shutdown future completes. It terminates TLS where it is told to,
//! and knows no signing key.

pub mod admin;
mod api;
mod app;
mod cdn;
mod client;
mod clock;
mod config;
mod doors;
mod health;
mod jobs;
mod listen;
mod metrics;
mod oidc;
mod pages;
mod rate;
mod run;
mod secret_key;
mod smtp;
mod webhook;

pub use api::openapi_json;
pub use cdn::serve_files;
pub use config::{
    AccountsConfig, AlertsConfig, AuditConfig, ConfigFile, ConfigFlag, ConfigProblem, ConfigSources, CtConfig,
    DecodeConfig, EffectiveOption, ForwardedHeader, GuardConfig, HttpConfig, LoadedConfig, LogConfig, LogFormat,
    LookupConfig, MonitorConfig, OidcConfig, Origin, PagesConfig, PrivacyConfig, ProxyConfig, RateLimitConfig,
    ReportsConfig, ServerConfig, SmtpConfig, SmtpSecurity, StopConfig, TlsConfig, WebhooksConfig,
};
pub use listen::TlsError;
pub use run::{Ready, ServerError, run};
