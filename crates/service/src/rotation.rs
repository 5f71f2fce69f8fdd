//! The change of the key of a domain's servers: where it stands, and what comes next.
//!
//! Nothing here keeps a state of its own but which pins it is about. Where a change stands follows from the draft, the
//! releases and what servers present, so that it can be left and taken up again at any step, by anybody.

use pintle_api::{PinType, RotationPin, RotationResponse};
use pintle_core::UnixTime;
use pintle_discover::{CertificateFacts, Endpoint};
use serde::{Deserialize, Serialize};

use crate::{
    guard::{Observation, Sight},
    input::core_type,
};

/// Beyond the refresh interval a release may lie in caches for so long (P-7.2: `max-age` and `stale-while-revalidate`).
pub(crate) const CACHE_SECS: u64 = 90;
/// A certificate that is valid for less is renewed at half of its life, others at two thirds, as ACME clients do.
const SHORT_LIVED_SECS: u64 = 10 * 86_400;

/// What a domain remembers of the change that is under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RotationRecord {
    pub(crate) next: PinName,
    pub(crate) retiring: Vec<PinName>,
    pub(crate) started_at: u64,
    pub(crate) away_days: u16,
}

/// A pin, whatever row it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PinName {
    pub(crate) pin_type: PinType,
    pub(crate) digest: String,
}

/// How far a change has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RotationPhase {
    /// The pin of the next key is not in the draft: add it.
    NotDrafted,
    /// No release that every target serves has it: release the draft.
    NotReleased,
    /// Installations get to know it: wait.
    Spreading,
    /// Servers may change.
    Ready,
    /// Some servers present the next key, others do not yet.
    Switching,
    /// Every server that was seen presents the next key: the old pins can leave the draft.
    Switched,
    /// The old pins have left the draft: release it.
    Retiring,
    /// The next key is the only one left.
    Done,
}

/// Which key a server presents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ServedKey {
    /// The one it is to present.
    Next,
    /// One that it leaves.
    Retiring,
    /// Neither.
    Other,
    /// None was seen.
    Unseen,
}

/// What was seen at one address of one endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServedSight {
    /// Where.
    pub endpoint: Endpoint,
    /// Which key.
    pub key: ServedKey,
    /// Why nothing was seen.
    pub problem: Option<String>,
}

/// The certificate that ends first among those presented, and when its successor is to be expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renewal {
    /// Its issuer.
    pub issuer: String,
    /// How long such a certificate is valid.
    pub lifetime_secs: u64,
    /// Its end.
    pub not_after: UnixTime,
    /// When ACME clients renew it: at two thirds of its life, or half where it lasts less than ten days.
    pub expected_at: UnixTime,
}

/// Where a change stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotationStanding {
    /// How far it has come.
    pub phase: RotationPhase,
    /// What servers present.
    pub served: Vec<ServedSight>,
    /// Whether a server presents the next key though installations may not know it yet.
    pub is_early: bool,
    /// Of the certificate in use.
    pub renewal: Option<Renewal>,
    /// The next pin must be live by then to be known everywhere when the certificate in use ends.
    pub release_by: Option<UnixTime>,
}

/// Where the change `rotation` stands at `now`, `observations` being of the endpoints of its domain.
#[must_use]
pub fn judge_rotation(rotation: &RotationResponse, observations: &[Observation], now: UnixTime) -> RotationStanding {
    let served: Vec<_> = observations.iter().flat_map(|observation| list_served(rotation, observation)).collect();
    let has = |wanted: fn(ServedKey) -> bool| served.iter().any(|sight| wanted(sight.key));
    let has_next = has(|key| key == ServedKey::Next);
    let has_others = has(|key| matches!(key, ServedKey::Retiring | ServedKey::Other));
    let is_safe = rotation.safe_from.is_some_and(|safe| UnixTime::from_secs(safe) <= now);
    let phase = match (rotation.next.is_live, has_next, has_others) {
        (false, ..) if rotation.next.is_drafted => RotationPhase::NotReleased,
        (false, ..) => RotationPhase::NotDrafted,
        (true, true, true) => RotationPhase::Switching,
        (true, true, false) if rotation.retiring.iter().any(|pin| pin.is_drafted) => RotationPhase::Switched,
        (true, true, false) if rotation.retiring.iter().any(|pin| pin.is_live) => RotationPhase::Retiring,
        (true, true, false) => RotationPhase::Done,
        (true, false, _) if is_safe => RotationPhase::Ready,
        (true, false, _) => RotationPhase::Spreading,
    };
    let renewal = find_renewal(observations);
    let window_secs = rotation.window_secs;
    let release_by =
        renewal.as_ref().map(|renewal| UnixTime::from_secs(renewal.not_after.as_secs().saturating_sub(window_secs)));
    RotationStanding { phase, served, is_early: has_next && !is_safe, renewal, release_by }
}

fn list_served(rotation: &RotationResponse, observation: &Observation) -> Vec<ServedSight> {
    let mut served = Vec::new();
    for sight in &observation.sights {
        let (key, problem) = match sight {
            Sight::Chain { chain, .. } => (name_key(rotation, chain.first().map(AsRef::as_ref)), None),
            Sight::Unreachable { problem } | Sight::NotLookedAt { problem } => {
                (ServedKey::Unseen, Some(problem.clone()))
            }
        };
        let sight = ServedSight { endpoint: observation.endpoint.clone(), key, problem };
        if !served.contains(&sight) {
            served.push(sight);
        }
    }
    served
}

fn name_key(rotation: &RotationResponse, leaf_der: Option<&[u8]>) -> ServedKey {
    let Some(facts) = leaf_der.and_then(|leaf| CertificateFacts::parse(leaf).ok()) else { return ServedKey::Other };
    let is_of = |pin: &RotationPin| {
        let kind = core_type(pin.pin_type);
        facts.pin(kind).is_some_and(|digest| digest.to_base64() == pin.digest)
    };
    if is_of(&rotation.next) {
        ServedKey::Next
    } else if rotation.retiring.iter().any(is_of) {
        ServedKey::Retiring
    } else {
        ServedKey::Other
    }
}

/// Of the certificate that ends first.
fn find_renewal(observations: &[Observation]) -> Option<Renewal> {
    let sights = observations.iter().flat_map(|observation| &observation.sights);
    let leaves = sights.filter_map(|sight| match sight {
        Sight::Chain { chain, .. } => CertificateFacts::parse(chain.first()?).ok(),
        _ => None,
    });
    let first = leaves.min_by_key(|facts| facts.not_after)?;
    let lifetime_secs = first.not_after.secs_since(first.not_before);
    let left_secs = if lifetime_secs < SHORT_LIVED_SECS { lifetime_secs / 2 } else { lifetime_secs / 3 };
    Some(Renewal {
        issuer: first.issuer,
        lifetime_secs,
        not_after: first.not_after,
        expected_at: UnixTime::from_secs(first.not_after.as_secs().saturating_sub(left_secs)),
    })
}
