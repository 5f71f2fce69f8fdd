//! Installations by number. A number is never given twice.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicI64, Ordering},
    },
};

use jni::sys::jlong;
use pintle_core::Code;
use pintle_sdk::{Fetch, Installation};

use crate::edge::Failure;

/// More fetches than can be under way at once: eight URLs, in the refresh that runs and in the one it replaced.
const MAX_OUTSTANDING: usize = 16;

static OPEN: RwLock<BTreeMap<jlong, Arc<Handle>>> = RwLock::new(BTreeMap::new());
static LAST: AtomicI64 = AtomicI64::new(0);

/// An installation, and what it asked for.
pub(crate) struct Handle {
    pub(crate) installation: Installation,
    outstanding: Mutex<BTreeMap<jlong, Fetch>>,
    #[cfg(feature = "dangerous-test")]
    pub(crate) clock: Option<Arc<crate::test_door::TestClock>>,
}

impl Handle {
    pub(crate) fn new(installation: Installation) -> Self {
        Self {
            installation,
            outstanding: Mutex::default(),
            #[cfg(feature = "dangerous-test")]
            clock: None,
        }
    }

    /// Remembers a fetch under the number that is returned.
    pub(crate) fn hand_out(&self, fetch: Fetch) -> jlong {
        let id = next();
        let mut outstanding = self.outstanding.lock().unwrap_or_else(PoisonError::into_inner);
        if outstanding.len() >= MAX_OUTSTANDING {
            // Nobody will answer the oldest any more.
            outstanding.pop_first();
        }
        outstanding.insert(id, fetch);
        id
    }

    pub(crate) fn take_back(&self, id: jlong) -> Option<Fetch> {
        self.outstanding.lock().unwrap_or_else(PoisonError::into_inner).remove(&id)
    }
}

pub(crate) fn keep(handle: Handle) -> jlong {
    let number = next();
    OPEN.write().unwrap_or_else(PoisonError::into_inner).insert(number, Arc::new(handle));
    number
}

pub(crate) fn find(number: jlong) -> Result<Arc<Handle>, Failure> {
    let open = OPEN.read().unwrap_or_else(PoisonError::into_inner);
    open.get(&number).cloned().ok_or_else(|| Failure::said(Code::SetupInvalid, &"this Pintle is closed"))
}

pub(crate) fn forget(number: jlong) {
    // Dropped after the lock: what it drops may call back.
    let forgotten = OPEN.write().unwrap_or_else(PoisonError::into_inner).remove(&number);
    drop(forgotten);
}

fn next() -> jlong {
    LAST.fetch_add(1, Ordering::Relaxed) + 1
}
