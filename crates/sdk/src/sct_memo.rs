use std::{
    collections::HashSet,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use pintle_core::ct::SctMemo;

/// A generation of remembered SCTs; two are kept. A server may show a new certificate with new SCTs each time: what it
/// shows fills some 100 KiB, pushes out others, and costs them one signature check each.
const MAX_GENERATION: usize = 512;

/// The SCTs that this process has seen verified, shared by everything that decides.
#[derive(Debug, Default)]
pub(crate) struct VerifiedScts(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    recent: HashSet<[u8; 32]>,
    older: HashSet<[u8; 32]>,
}

impl VerifiedScts {
    fn generations(&self) -> MutexGuard<'_, Generations> {
        // A panic while it was held left a set of true facts.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        let generations = self.generations();
        generations.recent.len() + generations.older.len()
    }
}

impl SctMemo for VerifiedScts {
    fn holds(&self, signed_sct: &[u8; 32]) -> bool {
        let generations = self.generations();
        generations.recent.contains(signed_sct) || generations.older.contains(signed_sct)
    }

    fn remember(&self, signed_sct: [u8; 32]) {
        let mut generations = self.generations();
        if generations.recent.len() >= MAX_GENERATION {
            generations.older = mem::take(&mut generations.recent);
        }
        generations.recent.insert(signed_sct);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fact(number: usize) -> [u8; 32] {
        let mut fact = [0; 32];
        fact.iter_mut().zip(number.to_be_bytes()).for_each(|(slot, byte)| *slot = byte);
        fact
    }

    #[test]
    fn remembers_the_latest_and_never_more_than_two_generations() {
        let memo = VerifiedScts::default();
        let flood = 10 * MAX_GENERATION;
        for number in 0..flood {
            assert!(!memo.holds(&fact(number)));
            memo.remember(fact(number));
            assert!(memo.len() <= 2 * MAX_GENERATION);
        }
        assert!((flood - MAX_GENERATION..flood).all(|number| memo.holds(&fact(number))));
        assert!(!memo.holds(&fact(0)));
    }
}
