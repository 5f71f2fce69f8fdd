use std::collections::BTreeMap;

use pintle_core::UnixTime;
use serde::Deserialize;

use super::{LeftOutReason, LogListError, parse_time};

/// When a log came into a state.
#[derive(Deserialize)]
pub(super) struct StateJson {
    timestamp: Option<String>,
}

/// What a log's states mean for its SCTs.
pub(super) enum Standing {
    /// They count.
    Open,
    /// They count if they were issued up to then.
    ClosedAt(UnixTime),
    /// They do not count.
    LeftOut(LeftOutReason),
}

/// The states of a log's life, in their order. A log never goes back.
const LIFE: [&str; 6] = ["pending", "qualified", "usable", "readonly", "retired", "rejected"];

/// What becomes of a log is its latest state. Mozilla keeps the earlier ones beside it, so the one furthest on counts.
///
/// A read-only log has promised its final tree: what it signed before still proves inclusion, and it signs nothing
/// after. The time of the state is the latest the final tree head can have.
pub(super) fn derive_standing(states: &BTreeMap<String, StateJson>) -> Result<Standing, LogListError> {
    if let Some(unknown) = states.keys().find(|state| !LIFE.contains(&state.as_str())) {
        return Ok(Standing::LeftOut(LeftOutReason::UnknownState(unknown.clone())));
    }
    let latest = LIFE.iter().rev().find_map(|state| Some((*state, states.get(*state)?)));
    Ok(match latest {
        Some(("qualified" | "usable", _)) => Standing::Open,
        Some(("readonly", state)) => Standing::ClosedAt(parse_time(state.timestamp.as_deref().unwrap_or_default())?),
        Some(("pending", _)) => Standing::LeftOut(LeftOutReason::Pending),
        Some(("retired", _)) => Standing::LeftOut(LeftOutReason::Retired),
        Some(_) => Standing::LeftOut(LeftOutReason::Rejected),
        None => Standing::LeftOut(LeftOutReason::NoState),
    })
}
