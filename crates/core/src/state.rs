use alloc::vec::Vec;

use crate::{UnixTime, succession::Link};

/// What acceptance remembers of one root (P-3.9). An SDK persists it beside the accepted file (P-3.10).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// The highest accepted release; `None` before the first.
    pub floor: Option<Floor>,
    /// The succession chain of the file that set the floor.
    pub chain: Vec<Link>,
    /// The latest `iat` accepted: a lower bound for the clock.
    pub time_floor: UnixTime,
    /// The release that set the floor withdrew the project (P-7.5).
    pub withdrawn: bool,
}

/// The highest accepted release (P-3.7). Ordered by recovery, then version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Floor {
    /// `r`: `seq` of the last recovery-signed statement, 0 if none.
    pub recovery_seq: u64,
    /// `ver`.
    pub version: u64,
    /// SHA-256 of the decoded payload.
    pub claims_digest: [u8; 32],
}

impl Floor {
    pub(crate) fn position(&self) -> (u64, u64) {
        (self.recovery_seq, self.version)
    }
}
