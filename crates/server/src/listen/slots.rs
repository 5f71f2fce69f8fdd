use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicU64},
};

use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::client::AddressKey;

/// The connections that one listener may have, and one client of it.
#[derive(Debug)]
pub(super) struct Slots {
    all: Arc<Semaphore>,
    per_client: usize,
    held: Mutex<HashMap<AddressKey, usize>>,
    open: Open,
}

/// How many places are taken.
type Open = Gauge<u64, AtomicU64>;

/// One connection's place; freed when dropped.
#[derive(Debug)]
pub(super) struct Slot {
    _of_all: OwnedSemaphorePermit,
    _of_client: Option<ClientSlot>,
    open: Open,
}

#[derive(Debug)]
struct ClientSlot {
    slots: Arc<Slots>,
    key: AddressKey,
}

impl Slots {
    pub(super) fn new(all: usize, per_client: usize, open: Open) -> Arc<Self> {
        Arc::new(Self { all: Arc::new(Semaphore::new(all)), per_client, held: Mutex::default(), open })
    }

    /// Waits for a place among all.
    pub(super) async fn wait(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.all).acquire_owned().await.ok()
    }

    /// A place for a client's connection, `None` if it has as many as it may have. A proxy speaks for many and has no
    /// `client`.
    pub(super) fn take(self: &Arc<Self>, of_all: OwnedSemaphorePermit, client: Option<AddressKey>) -> Option<Slot> {
        let Some(key) = client else { return Some(self.fill(of_all, None)) };
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let count = held.entry(key).or_default();
        if *count >= self.per_client {
            return None;
        }
        *count += 1;
        Some(self.fill(of_all, Some(ClientSlot { slots: Arc::clone(self), key })))
    }

    fn fill(&self, of_all: OwnedSemaphorePermit, of_client: Option<ClientSlot>) -> Slot {
        self.open.inc();
        Slot { _of_all: of_all, _of_client: of_client, open: self.open.clone() }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.open.dec();
    }
}

impl Drop for ClientSlot {
    fn drop(&mut self) {
        let mut held = self.slots.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = held.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_client_leaves_places_to_others_and_its_own_come_back() {
        let slots = Slots::new(10, 2, Open::default());
        let (one, other) = (AddressKey(1), AddressKey(2));
        let first = slots.take(slots.wait().await.unwrap(), Some(one)).unwrap();
        let _second = slots.take(slots.wait().await.unwrap(), Some(one)).unwrap();
        assert!(slots.take(slots.wait().await.unwrap(), Some(one)).is_none());
        let _others = slots.take(slots.wait().await.unwrap(), Some(other)).unwrap();
        drop(first);
        let _again = slots.take(slots.wait().await.unwrap(), Some(one)).unwrap();
        assert_eq!(slots.held.lock().unwrap().len(), 2);
        let _proxy = slots.take(slots.wait().await.unwrap(), None).unwrap();
        assert_eq!((slots.all.available_permits(), slots.open.get()), (6, 4));
    }
}
