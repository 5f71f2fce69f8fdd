//! What is believed of a subject, and how many looks it takes to believe something else.

use pintle_api::{Concern, DriftState};

/// Looks in a row that find nobody, or an old release, before it is believed: a lost packet or a cache is no trouble.
const TIMES_TO_MISS: u64 = 3;
/// Looks in a row that find it better before trouble is over: what comes and goes stays told as trouble.
const TIMES_TO_RECOVER: u64 = 2;

/// What is believed, and what the last looks say instead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// None before anything was seen often enough.
    pub(crate) state: Option<DriftState>,
    /// Not believed yet, and how often in a row it was found.
    pub(crate) pending: Option<(DriftState, u64)>,
}

/// What is believed after a look that found `seen`.
#[must_use]
pub(crate) fn advance(standing: Standing, seen: DriftState) -> Standing {
    if standing.state == Some(seen) {
        return Standing { pending: None, ..standing };
    }
    let times = match standing.pending {
        Some((state, times)) if state == seen => times + 1,
        _ => 1,
    };
    if times >= times_to_believe(standing.state, seen) {
        Standing { state: Some(seen), pending: None }
    } else {
        Standing { pending: Some((seen, times)), ..standing }
    }
}

fn times_to_believe(now: Option<DriftState>, seen: DriftState) -> u64 {
    match (now, seen) {
        (_, DriftState::Unreachable | DriftState::Stale) | (Some(_), DriftState::NotLookedAt) => TIMES_TO_MISS,
        (Some(now), seen) if seen < now && now.concern() > Concern::None => TIMES_TO_RECOVER,
        // Another key, another issuer: minutes count.
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use DriftState::{Match, Mismatch, Stale, UnexpectedIssuer, Unreachable};

    /// The states believed along the way, each once.
    fn walk(seen: &[DriftState]) -> Vec<DriftState> {
        let mut standing = Standing::default();
        let mut told = Vec::new();
        for state in seen {
            standing = advance(standing, *state);
            told.extend(standing.state);
            told.dedup();
        }
        told
    }

    #[test]
    fn another_key_is_told_at_once_and_its_end_after_two_looks() {
        assert_eq!(walk(&[Match, Mismatch]), [Match, Mismatch]);
        assert_eq!(walk(&[Match, Mismatch, Match]), [Match, Mismatch]);
        assert_eq!(walk(&[Match, Mismatch, Match, Match]), [Match, Mismatch, Match]);
        assert_eq!(walk(&[Match, Mismatch, UnexpectedIssuer]), [Match, Mismatch, UnexpectedIssuer]);
    }

    #[test]
    fn what_comes_and_goes_is_told_once() {
        assert_eq!(walk(&[Match, Mismatch, Match, Mismatch, Match, Mismatch, Match]), [Match, Mismatch]);
        assert_eq!(walk(&[Match, Unreachable, Match, Unreachable, Unreachable, Match]), [Match]);
    }

    #[test]
    fn nobody_there_is_believed_after_three_looks() {
        for missing in [Unreachable, Stale] {
            assert_eq!(walk(&[Match, missing, missing]), [Match]);
            assert_eq!(walk(&[Match, missing, missing, missing]), [Match, missing]);
            assert_eq!(walk(&[missing, missing]), []);
            assert_eq!(walk(&[missing, missing, missing, Match, Match]), [missing, Match]);
        }
    }
}
