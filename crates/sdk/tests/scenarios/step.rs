//! Steps as `vectors/` spells them.

use std::collections::BTreeMap;

use pintle_core::{Mode, decide::PlatformVerdict};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
pub(crate) struct Step {
    pub(crate) now: u64,
    pub(crate) monotonic_ms: u64,
    #[serde(flatten)]
    pub(crate) what: What,
    pub(crate) expect: Expect,
}

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(crate) enum What {
    Start(Start),
    Reconfigure { root: String },
    SetMode { mode: ModeName },
    Poll,
    Answer { to: usize, with: With },
    Check { host: String, certificate: String, platform: Platform },
    Wait,
    Damage { part: Part },
    ReplaceFile { body: String },
    BreakStore,
    MendStore,
}

#[derive(Deserialize)]
pub(crate) struct Start {
    pub(crate) root: String,
    pub(crate) seed: Option<String>,
    pub(crate) mode: ModeName,
    /// Eight bytes in hexadecimal.
    pub(crate) random: String,
    pub(crate) fetch_timeout_ms: u64,
    pub(crate) store: bool,
    pub(crate) report_to: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub(crate) enum With {
    Failed { failed: Failure },
    Status(Status),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Status {
    pub(crate) status: u16,
    pub(crate) body: Option<String>,
    pub(crate) etag: Option<String>,
    /// By the beginning of the URL.
    #[serde(default)]
    pub(crate) etag_by_url: BTreeMap<String, String>,
    pub(crate) retry_after: Option<u64>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Failure {
    Broken,
    TimeOut,
    TooLarge,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ModeName {
    Strict,
    Permissive,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Platform {
    Accepted,
    Refused,
    Unknown,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Part {
    File,
    Memory,
}

/// What must be seen; what is absent may be anything.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expect {
    pub(crate) events: Option<Vec<String>>,
    pub(crate) generation: Option<Generation>,
    pub(crate) decision: Option<String>,
    pub(crate) judged: Option<String>,
    pub(crate) fetch: Option<ExpectedFetch>,
    pub(crate) idle_until_ms: Option<[u64; 2]>,
    #[serde(default)]
    pub(crate) waiting: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectedFetch {
    /// URL to ETag.
    pub(crate) urls: BTreeMap<String, Option<String>>,
    pub(crate) count: usize,
    pub(crate) unlike: Vec<usize>,
    /// URL to what is POSTed there.
    #[serde(default)]
    pub(crate) bodies: BTreeMap<String, Value>,
    pub(crate) no_cache: bool,
    pub(crate) timeout_ms: [u64; 2],
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Generation {
    Kept,
    Raised,
}

impl From<ModeName> for Mode {
    fn from(name: ModeName) -> Self {
        match name {
            ModeName::Strict => Self::Strict,
            ModeName::Permissive => Self::Permissive,
        }
    }
}

impl From<Platform> for PlatformVerdict {
    fn from(name: Platform) -> Self {
        match name {
            Platform::Accepted => Self::Accepted,
            Platform::Refused => Self::Refused,
            Platform::Unknown => Self::Unknown,
        }
    }
}
