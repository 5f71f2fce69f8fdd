//! What a host language was handed, and knows by number.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

/// More than can be under way at once: eight URLs, in the refresh that runs and in the one it replaced, and a report.
const MAX_OUTSTANDING: usize = 17;

/// Fetches that a host was asked to make and has not answered, for hosts that cannot hold a [`Fetch`](crate::Fetch) themselves.
#[derive(Debug)]
pub struct Outstanding<T>(Mutex<Handed<T>>);

#[derive(Debug)]
struct Handed<T> {
    last_id: u64,
    fetches: BTreeMap<u64, T>,
}

impl<T> Default for Outstanding<T> {
    fn default() -> Self {
        Self(Mutex::new(Handed { last_id: 0, fetches: BTreeMap::new() }))
    }
}

impl<T> Outstanding<T> {
    /// Remembers a fetch under the number that is returned, which is never given twice and never 0.
    pub fn hand_out(&self, fetch: T) -> u64 {
        let mut handed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        handed.last_id += 1;
        if handed.fetches.len() >= MAX_OUTSTANDING {
            // Nobody will answer the oldest any more.
            handed.fetches.pop_first();
        }
        let id = handed.last_id;
        handed.fetches.insert(id, fetch);
        id
    }

    /// Gives it back for its answer, once.
    pub fn take_back(&self, id: u64) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fetches.remove(&id)
    }
}
