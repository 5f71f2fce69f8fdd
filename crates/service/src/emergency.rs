//! The bad day: a release signed and published while API, dashboard and database do not exist. Nothing here needs a store.
//!
//! ```text
//! export (a good day) ─┐
//! live file, targets ──┴► Base: the highest genuine release ─► edits ─► claims ─► (guard, signed where the key is)
//!                                                     ─► publish_to_all: immutable file, read back, pointer, read back
//! ```
//!
//! What counts is signatures: everything that is read is verified with the core for the root of the export. Numbers leave a
//! gap ([`NUMBER_GAP`], ADR 32), so that nothing the server had prepared overtakes.

mod edit;
mod export;
mod upload;

use pintle_core::{
    Accepted, ConfigError, Root, State, UnixTime, claims::Claims, limits::MAX_INTEGER, succession::Chain, verify,
};

pub use edit::{Edit, EditError};
pub use export::{Export, ExportContent, ExportError, MAX_EXPORT_BYTES, Target};
pub use upload::{Arrival, OpenTarget, open_targets, publish_to_all, read_pointers};

use crate::claims::renew_claims;

/// How far the number of an emergency release lies above every known one. A server gives numbers one by one, to every
/// preparation, so what it may have prepared since lies below.
pub const NUMBER_GAP: u64 = 1000;

/// A file that was found, and where.
#[derive(Clone, Debug)]
pub struct Sighting {
    /// What people call the place.
    pub source: String,
    /// The file, as it was found.
    pub bytes: Vec<u8>,
}

/// The release that an emergency release follows: the highest genuine one known.
#[derive(Clone, Debug)]
pub struct Base {
    /// Where it was found.
    pub source: String,
    /// The file.
    pub bytes: Vec<u8>,
    /// What the core says of it, at a time when it was valid.
    pub accepted: Accepted,
    /// The statements in its header.
    pub succession: Vec<String>,
}

/// Why there is nothing to go on from, or no number to go on with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmergencyError {
    /// Neither export nor CDN gave a genuine file.
    #[error("no genuine release was found to go on from")]
    NoBase,
    /// Somebody signed two releases of one number.
    #[error("{first} and {second} show different releases under the number {version}")]
    Split {
        /// The number.
        version: u64,
        /// Where one was found.
        first: String,
        /// Where the other was.
        second: String,
    },
    /// P-2.4 ends here.
    #[error("no number is left above {version}")]
    NumbersExhausted {
        /// The highest known.
        version: u64,
    },
    /// A withdrawal says nothing that could be edited.
    #[error("release {version} is a withdrawal")]
    Withdrawn {
        /// Its number.
        version: u64,
    },
    /// The core's refusal.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

/// The highest genuine release of `root` among `sightings`. What is not genuine comes back with the reason: it is no base,
/// and publishing replaces it.
///
/// # Errors
/// [`EmergencyError::NoBase`], [`EmergencyError::Split`].
pub fn find_base(
    root: &Root,
    sightings: Vec<Sighting>,
    now: UnixTime,
) -> Result<(Base, Vec<(String, ConfigError)>), EmergencyError> {
    let mut best: Option<Base> = None;
    let mut rejected = Vec::new();
    for Sighting { source, bytes } in sightings {
        let accepted = match verify_even_expired(&bytes, root, now) {
            Ok(accepted) => accepted,
            Err(error) => {
                rejected.push((source, error));
                continue;
            }
        };
        let candidate = Base { source, succession: read_succession(&bytes), bytes, accepted };
        match &best {
            Some(best) if best.position() > candidate.position() => {}
            Some(best) if best.position() == candidate.position() => {
                if best.accepted.state.floor != candidate.accepted.state.floor {
                    let version = candidate.position().1;
                    let (first, second) = (best.source.clone(), candidate.source);
                    return Err(EmergencyError::Split { version, first, second });
                }
            }
            _ => best = Some(candidate),
        }
    }
    Ok((best.ok_or(EmergencyError::NoBase)?, rejected))
}

impl Base {
    /// What it says.
    pub fn claims(&self) -> &Claims {
        self.accepted.config.claims()
    }

    fn position(&self) -> (u64, u64) {
        (self.accepted.config.recovery_seq(), self.claims().version)
    }

    /// The statements that a release after this one carries: its own, or `exported` ones that go further. That they
    /// agree is what the core says of the signed file.
    pub fn continue_succession(&self, exported: &[String], root: &Root) -> Result<Vec<String>, ConfigError> {
        let (own, exported_chain) = (Chain::evaluate(&self.succession, root)?, Chain::evaluate(exported, root)?);
        let reach = |chain: &Chain| (chain.recovery_seq(), chain.links().last().map_or(0, |link| link.seq));
        let further = if reach(&exported_chain) > reach(&own) { exported } else { &self.succession };
        Ok(further.to_vec())
    }

    /// What it says, under the next number and new dates.
    ///
    /// # Errors
    /// [`EmergencyError::NumbersExhausted`], [`EmergencyError::Withdrawn`].
    pub fn next_claims(&self, last_known: u64, now: UnixTime) -> Result<Claims, EmergencyError> {
        if self.claims().withdrawn {
            return Err(EmergencyError::Withdrawn { version: self.claims().version });
        }
        Ok(renew_claims(self.claims().clone(), next_number(last_known.max(self.claims().version))?, now))
    }

    /// That nothing is to be trusted, under the next number (P-7.5).
    ///
    /// # Errors
    /// [`EmergencyError::NumbersExhausted`].
    pub fn next_withdrawal(&self, last_known: u64, now: UnixTime) -> Result<Claims, EmergencyError> {
        let claims = self.claims();
        let version = next_number(last_known.max(claims.version))?;
        Ok(Claims { withdrawn: true, ..Claims::new(claims.organization.clone(), claims.project.clone(), version, now) })
    }
}

/// The number of an emergency release above `last`. Never the highest that there is: nothing could follow it.
fn next_number(last: u64) -> Result<u64, EmergencyError> {
    let below_the_end = |version: &u64| *version < MAX_INTEGER;
    let with_gap = last.checked_add(NUMBER_GAP).filter(below_the_end);
    let next = with_gap.or_else(|| last.checked_add(1).filter(below_the_end));
    next.ok_or(EmergencyError::NumbersExhausted { version: last })
}

/// Verifies a file as on a day when it was valid: on a bad day the release in force may have expired, and is gone on from
/// all the same.
pub fn verify_even_expired(bytes: &[u8], root: &Root, now: UnixTime) -> Result<Accepted, ConfigError> {
    match verify(bytes, root, &State::default(), now) {
        Err(ConfigError::Expired { expired_at, .. }) => {
            let before = UnixTime::from_secs(expired_at.as_secs().saturating_sub(1));
            verify(bytes, root, &State::default(), before)
        }
        answer => answer,
    }
}

/// The statements in the header of a file that was verified.
fn read_succession(bytes: &[u8]) -> Vec<String> {
    use base64ct::{Base64UrlUnpadded, Encoding};
    #[derive(serde::Deserialize)]
    struct Header {
        #[serde(default)]
        succ: Vec<String>,
    }
    let header = bytes.split(|byte| *byte == b'.').next().and_then(|part| std::str::from_utf8(part).ok());
    let header = header.and_then(|text| Base64UrlUnpadded::decode_vec(text).ok());
    header.and_then(|json| serde_json::from_slice::<Header>(&json).ok()).map(|header| header.succ).unwrap_or_default()
}

#[cfg(test)]
mod tests;
