//! Lists of Certificate Transparency logs in the v3 JSON that browsers publish: operators, each with `logs` (RFC 6962)
//! and `tiled_logs` (static-ct). Apple's and Mozilla's have the same shape, with other states and times.

mod state;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use base64ct::{Base64, Encoding};
use pintle_core::{PublicKey, UnixTime, claims::CtLog, crypto};
use reqwest::Url;
use serde::Deserialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use self::state::{Standing, StateJson, derive_standing};
use crate::{LogProtocol, ReadableLog, web::is_private_to_us};

/// Largest log list read, in bytes: over twenty times the largest there is.
pub const MAX_LOG_LIST_BYTES: usize = 4 * 1024 * 1024;
/// Most logs in a list: each accepted one costs every app about 250 bytes of every configuration.
const MAX_LOGS: usize = 1000;

/// Logs whose private keys are public: anybody signs SCTs in their names, so one proves nothing, whatever a list says.
const MIMIC_LOG_IDS: [&str; 2] =
    ["9EGV1vAOLbVUNcrdV3iS5T4VrUFwWPh44U/2uRh0FYk=", "si9+3rWvav5QPeBAgbLXTBJThJL+3yyypSZQPO9TztI="];

/// What a list says about the logs in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogList {
    /// When the list was made, if it says so.
    pub as_of: Option<UnixTime>,
    /// Logs whose SCTs count, in the order of the list.
    pub accepted: Vec<ListedLog>,
    /// The other ones, in the order of the list.
    pub left_out: Vec<LeftOutLog>,
}

/// A log whose SCTs count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedLog {
    /// What the list calls it.
    pub name: String,
    /// As a configuration holds it (P-6.1).
    pub log: CtLog,
    /// How to read it, if the list says where.
    pub place: Option<LogPlace>,
}

/// Where a log is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPlace {
    /// In which way.
    pub protocol: LogProtocol,
    /// Under which URL.
    pub url: Url,
}

/// A log whose SCTs do not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOutLog {
    /// SHA-256 of its key.
    pub id: [u8; 32],
    /// What the list calls it.
    pub name: String,
    /// Who runs it.
    pub operator: String,
    /// Why its SCTs do not count.
    pub reason: LeftOutReason,
}

/// Why a log's SCTs do not count (P-6.1).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LeftOutReason {
    /// Its private key is public.
    Mimic,
    /// RSA, or another key that configurations cannot hold.
    KeyNotP256,
    /// The list does not say what becomes of it.
    NoState,
    /// Not accepted yet.
    Pending,
    /// No longer trusted.
    Retired,
    /// Never trusted, or no longer.
    Rejected,
    /// A state that this program does not know.
    UnknownState(String),
}

impl ListedLog {
    /// The log, to be read, if the list says where.
    #[must_use]
    pub fn reader(&self) -> Option<ReadableLog> {
        let LogPlace { protocol, url } = self.place.clone()?;
        Some(ReadableLog::new(&self.name, url, protocol, *self.log.key()))
    }
}

impl LeftOutReason {
    /// Stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Mimic => "mimic",
            Self::KeyNotP256 => "key_not_p256",
            Self::NoState => "no_state",
            Self::Pending => "pending",
            Self::Retired => "retired",
            Self::Rejected => "rejected",
            Self::UnknownState(_) => "state_unknown",
        }
    }
}

impl fmt::Display for LeftOutReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mimic => "a mimic log: its private key is public",
            Self::KeyNotP256 => "its key is not ECDSA P-256",
            Self::NoState => "the list gives it no state",
            Self::Pending => "pending: not accepted yet",
            Self::Retired => "retired: no longer trusted",
            Self::Rejected => "rejected: not trusted",
            Self::UnknownState(state) => return write!(f, "its state `{state}` is not known here"),
        })
    }
}

/// Why a file is not a usable log list. One contradiction fails it: a list that is damaged in one place is not believed
/// in another.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LogListError {
    /// Above [`MAX_LOG_LIST_BYTES`].
    #[error("larger than {MAX_LOG_LIST_BYTES} bytes")]
    TooLarge,
    /// Not JSON of that shape.
    #[error("not a log list in v3 JSON: {0}")]
    Shape(String),
    /// More logs than any list has.
    #[error("more than {MAX_LOGS} logs")]
    TooManyLogs,
    /// `key` is not base64.
    #[error("the key of {name:?} is not standard base64")]
    Key {
        /// What the list calls the log.
        name: String,
    },
    /// `log_id` is not the SHA-256 of `key` (RFC 6962 §3.2).
    #[error("the id of {name:?} is not the SHA-256 of its key")]
    Id {
        /// What the list calls the log.
        name: String,
    },
    /// Two entries for one log.
    #[error("{name:?} has the key of another log of the list")]
    Duplicate {
        /// What the list calls the second one.
        name: String,
    },
    /// Not RFC 3339, or before 1970.
    #[error("{text:?} is not a time as RFC 3339 writes it")]
    Time {
        /// As it stands there.
        text: String,
    },
    /// Nothing would be trusted.
    #[error("none of its {left_out} logs can be trusted")]
    NothingAccepted {
        /// How many were left out.
        left_out: usize,
    },
}

/// Reads a log list. Logs that P-6.1 does not admit are named in the answer and left out.
///
/// # Errors
/// [`LogListError`].
pub fn parse_log_list(bytes: &[u8]) -> Result<LogList, LogListError> {
    if bytes.len() > MAX_LOG_LIST_BYTES {
        return Err(LogListError::TooLarge);
    }
    let json: ListJson = serde_json::from_slice(bytes).map_err(|error| LogListError::Shape(error.to_string()))?;
    let as_of = json.log_list_timestamp.as_deref().map(parse_time).transpose()?;
    let mut list = LogList { as_of, accepted: Vec::new(), left_out: Vec::new() };
    let mut ids = BTreeSet::new();
    for operator in json.operators {
        for log in operator.logs.into_iter().chain(operator.tiled_logs) {
            let (name, place) = (log.name(), log.place());
            let (id, key) = log.parse_key(&name)?;
            if !ids.insert(id) {
                return Err(LogListError::Duplicate { name });
            }
            if ids.len() > MAX_LOGS {
                return Err(LogListError::TooManyLogs);
            }
            match judge(&id, key, &log.state)? {
                Ok((key, usable_until)) => {
                    let log = CtLog::new(key, operator.name.clone(), usable_until);
                    list.accepted.push(ListedLog { name, log, place });
                }
                Err(reason) => {
                    list.left_out.push(LeftOutLog { id, name, operator: operator.name.clone(), reason });
                }
            }
        }
    }
    if list.accepted.is_empty() {
        return Err(LogListError::NothingAccepted { left_out: list.left_out.len() });
    }
    Ok(list)
}

type Accepted = (PublicKey, Option<UnixTime>);

/// Whether SCTs of a log count, and until when they may have been issued.
fn judge(
    id: &[u8; 32],
    key: Option<PublicKey>,
    states: &BTreeMap<String, StateJson>,
) -> Result<Result<Accepted, LeftOutReason>, LogListError> {
    if MIMIC_LOG_IDS.contains(&Base64::encode_string(id).as_str()) {
        return Ok(Err(LeftOutReason::Mimic));
    }
    let usable_until = match derive_standing(states)? {
        Standing::Open => None,
        Standing::ClosedAt(at) => Some(at),
        Standing::LeftOut(reason) => return Ok(Err(reason)),
    };
    Ok(key.map(|key| (key, usable_until)).ok_or(LeftOutReason::KeyNotP256))
}

fn parse_time(text: &str) -> Result<UnixTime, LogListError> {
    let secs = OffsetDateTime::parse(text, &Rfc3339).ok().and_then(|at| u64::try_from(at.unix_timestamp()).ok());
    secs.map(UnixTime::from_secs).ok_or_else(|| LogListError::Time { text: text.to_owned() })
}

#[derive(Deserialize)]
struct ListJson {
    log_list_timestamp: Option<String>,
    operators: Vec<OperatorJson>,
}

#[derive(Deserialize)]
struct OperatorJson {
    name: String,
    #[serde(default)]
    logs: Vec<LogJson>,
    #[serde(default)]
    tiled_logs: Vec<LogJson>,
}

#[derive(Deserialize)]
struct LogJson {
    description: Option<String>,
    log_id: String,
    key: String,
    /// Of a log that answers questions.
    url: Option<String>,
    /// Of a log that is files.
    monitoring_url: Option<String>,
    #[serde(default)]
    state: BTreeMap<String, StateJson>,
}

impl LogJson {
    fn name(&self) -> String {
        self.description.clone().unwrap_or_else(|| self.log_id.clone())
    }

    /// Apple's list leaves the scheme out.
    fn place(&self) -> Option<LogPlace> {
        let (protocol, text) = match (&self.monitoring_url, &self.url) {
            (Some(url), _) => (LogProtocol::Tiled, url),
            (None, Some(url)) => (LogProtocol::Rfc6962, url),
            (None, None) => return None,
        };
        let with_scheme = if text.contains("://") { text.clone() } else { format!("https://{text}") };
        let url = Url::parse(&with_scheme).ok().filter(is_private_to_us)?;
        Some(LogPlace { protocol, url })
    }

    /// The id, checked, and the key if it is P-256.
    fn parse_key(&self, name: &str) -> Result<([u8; 32], Option<PublicKey>), LogListError> {
        let der = Base64::decode_vec(&self.key).map_err(|_| LogListError::Key { name: name.to_owned() })?;
        let id = crypto::sha256(&der);
        if Base64::encode_string(&id) != self.log_id {
            return Err(LogListError::Id { name: name.to_owned() });
        }
        Ok((id, PublicKey::from_spki_der(&der).ok()))
    }
}

#[cfg(test)]
mod tests;
