//! Slows down who guesses passwords and codes, and nobody else.
//!
//! An attempt counts when it begins and is forgiven when it succeeds, so that many at once gain nothing. These counts are
//! kept, in memory, each forgotten a day after its last attempt:
//!
//! - passwords by address and network: after 5 failures each further one doubles the wait, from 5 seconds to 15 minutes;
//! - passwords by network: the same after 50, whatever the addresses;
//! - codes of a second factor by account: the same after 5. Whoever guesses them has the password, and a new one ends it.
//!
//! No password is counted by address alone: with that, a stranger could keep the owner of an account out from everywhere. Whoever
//! has many networks has about a hundred guesses a day in each; against these stands the length of a password. Of several
//! instances each counts for itself.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{Mutex, PoisonError},
};

use pintle_core::UnixTime;

const FORGET_SECS: u64 = 24 * 3600;
const FIRST_WAIT_SECS: u64 = 5;
const LONGEST_WAIT_SECS: u64 = 15 * 60;
const FREE_PER_PAIR: u32 = 5;
const FREE_PER_NETWORK: u32 = 50;
const FREE_CODES: u32 = 5;
/// A flood of made-up addresses must not fill the memory: this many counts take about 4 MB. When they are too many, those
/// go that hold nobody back. To push out a count of one's own takes as many attempts as it has entries, from networks that
/// each wait after 50.
const MAX_COUNTS: usize = 50_000;

/// Counts of failures.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    counts: Mutex<HashMap<u64, Count>>,
    /// Keyed, so that nobody finds two addresses that count as one. It also keeps addresses out of memory.
    hasher: RandomState,
}

/// What an attempt counts for.
#[derive(Debug)]
pub(crate) struct Attempt {
    /// Of who succeeds, nothing is left here.
    own: u64,
    /// Here one attempt less.
    shared: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    failures: u32,
    last_at: u64,
    locked_until: u64,
}

impl Throttle {
    /// Counts a password for `address`, as it is compared, from `network`; all whose network is not known count as of one.
    ///
    /// # Errors
    /// How many seconds to wait: nothing was counted.
    pub(crate) fn begin(&self, address: &str, network: Option<&str>, now: UnixTime) -> Result<Attempt, u64> {
        let own = self.hasher.hash_one(("password", network, address));
        self.count(Attempt { own, shared: Some(self.hasher.hash_one(("network", network))) }, FREE_PER_PAIR, now)
    }

    /// Counts a code for the second factor of `account`.
    ///
    /// # Errors
    /// How many seconds to wait: nothing was counted.
    pub(crate) fn begin_code(&self, account: &str, now: UnixTime) -> Result<Attempt, u64> {
        self.count(Attempt { own: self.hasher.hash_one(("code", account)), shared: None }, FREE_CODES, now)
    }

    fn count(&self, attempt: Attempt, free: u32, now: UnixTime) -> Result<Attempt, u64> {
        let now = now.as_secs();
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let locked = attempt.keys().filter_map(|key| counts.get(&key)?.wait(now)).max();
        if let Some(secs) = locked {
            return Err(secs);
        }
        make_room(&mut counts, now);
        counts.entry(attempt.own).or_default().add(free, now);
        if let Some(shared) = attempt.shared {
            counts.entry(shared).or_default().add(FREE_PER_NETWORK, now);
        }
        Ok(attempt)
    }

    /// The attempt succeeded: it was the owner, whose failures there are forgotten.
    pub(crate) fn forgive(&self, attempt: &Attempt) {
        self.take_back(attempt);
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).remove(&attempt.own);
    }

    /// The attempt came to nothing, through no fault of whoever made it.
    pub(crate) fn take_back(&self, attempt: &Attempt) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        for key in attempt.keys() {
            if let Some(count) = counts.get_mut(&key) {
                count.failures = count.failures.saturating_sub(1);
                count.locked_until = 0;
            }
        }
    }
}

impl Attempt {
    fn keys(&self) -> impl Iterator<Item = u64> {
        [Some(self.own), self.shared].into_iter().flatten()
    }
}

impl Count {
    fn wait(&self, now: u64) -> Option<u64> {
        self.locked_until.checked_sub(now).filter(|secs| *secs > 0)
    }

    fn is_remembered(&self, now: u64) -> bool {
        now < self.last_at.saturating_add(FORGET_SECS)
    }

    fn add(&mut self, free: u32, now: u64) {
        if !self.is_remembered(now) {
            *self = Self::default();
        }
        self.failures = self.failures.saturating_add(1);
        self.last_at = now;
        if self.failures > free {
            let doublings = (self.failures - free - 1).min(10);
            self.locked_until = now.saturating_add(LONGEST_WAIT_SECS.min(FIRST_WAIT_SECS << doublings));
        }
    }
}

/// Room for the two counts of an attempt.
fn make_room(counts: &mut HashMap<u64, Count>, now: u64) {
    let is_full = |counts: &HashMap<u64, Count>| counts.len() + 2 > MAX_COUNTS;
    if is_full(counts) {
        counts.retain(|_, count| count.is_remembered(now));
    }
    if is_full(counts) {
        counts.retain(|_, count| count.wait(now).is_some());
    }
    if is_full(counts) {
        // Whoever has so many networks to lock has as many fresh guesses anyway.
        counts.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> UnixTime {
        UnixTime::from_secs(1_800_000_000 + secs)
    }

    fn fail(throttle: &Throttle, address: &str, network: &str, times: u32, now: UnixTime) {
        for _ in 0..times {
            assert!(throttle.begin(address, Some(network), now).is_ok());
        }
    }

    fn wait(throttle: &Throttle, address: &str, network: &str, now: UnixTime) -> u64 {
        throttle.begin(address, Some(network), now).unwrap_err()
    }

    #[test]
    fn the_wait_doubles_and_concerns_one_network() {
        let throttle = Throttle::default();
        fail(&throttle, "ada@x", "a", 6, at(0));
        assert_eq!(wait(&throttle, "ada@x", "a", at(0)), 5);
        fail(&throttle, "ada@x", "b", 1, at(0));
        fail(&throttle, "ada@x", "a", 1, at(5));
        assert_eq!(wait(&throttle, "ada@x", "a", at(5)), 10);
        let mut now = 15;
        for _ in 0..10 {
            fail(&throttle, "ada@x", "a", 1, at(now));
            now += wait(&throttle, "ada@x", "a", at(now));
        }
        fail(&throttle, "ada@x", "a", 1, at(now));
        assert_eq!(wait(&throttle, "ada@x", "a", at(now)), LONGEST_WAIT_SECS);
        fail(&throttle, "ada@x", "a", 6, at(now + FORGET_SECS));
    }

    #[test]
    fn one_network_does_not_try_many_addresses() {
        let throttle = Throttle::default();
        for number in 0..51 {
            fail(&throttle, &number.to_string(), "a", 1, at(0));
        }
        assert_eq!(wait(&throttle, "51", "a", at(0)), 5);
        fail(&throttle, "51", "b", 1, at(0));
    }

    #[test]
    fn success_is_forgiven_and_leaves_what_others_did() {
        let throttle = Throttle::default();
        fail(&throttle, "ada@x", "a", 4, at(0));
        for _ in 0..100 {
            let attempt = throttle.begin("ada@x", Some("a"), at(0)).unwrap();
            throttle.forgive(&attempt);
        }
        for number in 0..46 {
            fail(&throttle, &number.to_string(), "a", 1, at(0));
        }
        let own = throttle.begin("thief@x", Some("a"), at(0)).unwrap();
        throttle.forgive(&own);
        fail(&throttle, "thief@x", "a", 1, at(0));
        assert_eq!(wait(&throttle, "thief@x", "a", at(0)), 5, "an account of one's own buys no guesses");
    }

    #[test]
    fn what_failed_through_no_fault_of_theirs_counts_nothing() {
        let throttle = Throttle::default();
        for _ in 0..100 {
            let attempt = throttle.begin("ada@x", Some("a"), at(0)).unwrap();
            throttle.take_back(&attempt);
        }
        fail(&throttle, "ada@x", "a", 6, at(0));
        assert_eq!(wait(&throttle, "ada@x", "a", at(0)), 5);
    }

    #[test]
    fn memory_is_bounded_and_locks_outlive_a_flood() {
        let throttle = Throttle::default();
        fail(&throttle, "ada@x", "a", 6, at(0));
        for number in 0..60_000_u32 {
            fail(&throttle, &number.to_string(), &number.to_string(), 1, at(1));
        }
        assert_eq!(wait(&throttle, "ada@x", "a", at(1)), 4);
        assert!(throttle.counts.lock().unwrap().len() <= MAX_COUNTS);
    }
}
