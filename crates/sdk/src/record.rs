//! What is persisted per root (P-3.10): the accepted file, and everything that must survive without it.

use std::collections::BTreeMap;

use pintle_core::{Floor, PublicKey, State, UnixTime, succession::Link};
use serde::{Deserialize, Serialize};

/// The format this version writes and reads.
const FORMAT: u32 = 1;

/// What is persisted per root. The two parts are kept apart: damage to the file leaves the memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// The accepted file, byte for byte; verified again on load.
    pub config: Option<Vec<u8>>,
    /// Everything else.
    pub memory: Memory,
}

/// What an installation remembers besides the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Floor, chain, time floor and withdrawn flag.
    pub state: State,
    /// Every URL answered 410 in two refreshes (P-7.5).
    pub gone: bool,
    /// The draw, 0 … 99 (P-2.5).
    pub draw: Option<u8>,
    /// ETag per base URL, of the file that set the floor.
    pub etags: BTreeMap<String, String>,
}

/// Stored bytes that are not a [`Memory`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the stored state of this version")]
pub struct MemoryError;

impl Memory {
    /// As stored: JSON with a format number.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let state = &self.state;
        let stored = Stored {
            format: FORMAT,
            floor: state.floor.map(|floor| StoredFloor {
                recovery_seq: floor.recovery_seq,
                version: floor.version,
                claims_digest: to_hex(&floor.claims_digest),
            }),
            chain: state
                .chain
                .iter()
                .map(|link| StoredLink { seq: link.seq, key: link.key.to_base64(), signer: link.signer.clone() })
                .collect(),
            time_floor: state.time_floor.as_secs(),
            withdrawn: state.withdrawn,
            gone: self.gone,
            draw: self.draw,
            etags: self.etags.clone(),
        };
        // Strings, integers and maps keyed by strings always serialise.
        serde_json::to_vec(&stored).unwrap_or_default()
    }

    /// Reads what [`to_json`](Self::to_json) wrote.
    pub fn parse_json(bytes: &[u8]) -> Result<Self, MemoryError> {
        let stored: Stored = serde_json::from_slice(bytes).map_err(|_| MemoryError)?;
        if stored.format != FORMAT || stored.draw.is_some_and(|draw| draw > 99) {
            return Err(MemoryError);
        }
        let floor = stored.floor.map(|floor| {
            Ok(Floor {
                recovery_seq: floor.recovery_seq,
                version: floor.version,
                claims_digest: parse_hex(&floor.claims_digest).ok_or(MemoryError)?,
            })
        });
        let chain = stored.chain.into_iter().map(|link| {
            let key = PublicKey::parse_base64(&link.key).map_err(|_| MemoryError)?;
            Ok(Link { seq: link.seq, key, signer: link.signer })
        });
        Ok(Self {
            state: State {
                floor: floor.transpose()?,
                chain: chain.collect::<Result<_, _>>()?,
                time_floor: UnixTime::from_secs(stored.time_floor),
                withdrawn: stored.withdrawn,
            },
            gone: stored.gone,
            draw: stored.draw,
            etags: stored.etags,
        })
    }

    /// (`r`, `ver`) of the floor; lower than any release before the first.
    #[must_use]
    pub fn position(&self) -> (u64, u64) {
        self.state.floor.map_or((0, 0), |floor| (floor.recovery_seq, floor.version))
    }

    /// Whether `later` may be kept in its place. A recovery voids what was before it; else neither floor (P-3.7) nor
    /// succession chain (P-5.4) goes back or aside.
    #[must_use]
    pub fn gives_way_to(&self, later: &Self) -> bool {
        let ((recovery_seq, _), (later_recovery_seq, _)) = (self.position(), later.position());
        if later_recovery_seq > recovery_seq {
            return true;
        }
        let mut accepted = self.state.chain.iter().filter(|link| link.seq >= recovery_seq);
        let is_later = later.position() > self.position() || later.state.floor == self.state.floor;
        is_later && accepted.all(|link| later.state.chain.contains(link))
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    format: u32,
    floor: Option<StoredFloor>,
    chain: Vec<StoredLink>,
    time_floor: u64,
    withdrawn: bool,
    gone: bool,
    draw: Option<u8>,
    etags: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredFloor {
    recovery_seq: u64,
    version: u64,
    claims_digest: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredLink {
    seq: u64,
    key: String,
    signer: String,
}

pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn parse_hex(text: &str) -> Option<[u8; 32]> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    let bytes: Option<Vec<u8>> =
        pairs.iter().map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect();
    bytes?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_survives_being_written_and_read() {
        let memory = Memory {
            state: State {
                floor: Some(Floor { recovery_seq: 3, version: 9, claims_digest: [0xA5; 32] }),
                chain: Vec::new(),
                time_floor: UnixTime::from_secs(1_800_000_000),
                withdrawn: true,
            },
            gone: true,
            draw: Some(42),
            etags: BTreeMap::from([("https://cdn.example".to_owned(), "\"v9\"".to_owned())]),
        };
        assert_eq!(Memory::parse_json(&memory.to_json()), Ok(memory));
    }

    #[test]
    fn refuses_other_formats_and_damage() {
        let good = String::from_utf8(Memory::default().to_json()).unwrap();
        assert!(Memory::parse_json(good.as_bytes()).is_ok());
        assert_eq!(Memory::parse_json(good.replace("\"format\":1", "\"format\":2").as_bytes()), Err(MemoryError));
        assert_eq!(Memory::parse_json(&good.as_bytes()[..good.len() - 1]), Err(MemoryError));
        assert_eq!(Memory::parse_json(b""), Err(MemoryError));
    }
}
