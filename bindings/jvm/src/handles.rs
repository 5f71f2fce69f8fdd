//! Installations by number. A number is never given twice.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicI64, Ordering},
    },
};

use jni::sys::jlong;
use pintle_core::Code;
use pintle_sdk::{Fetch, Installation, Outstanding};

use crate::edge::Failure;

static OPEN: RwLock<BTreeMap<jlong, Arc<Handle>>> = RwLock::new(BTreeMap::new());
static LAST: AtomicI64 = AtomicI64::new(0);

/// An installation, and what it asked for.
pub(crate) struct Handle {
    pub(crate) installation: Installation,
    pub(crate) outstanding: Outstanding<Fetch>,
    #[cfg(feature = "dangerous-test")]
    pub(crate) clock: Option<Arc<crate::test_door::TestClock>>,
}

impl Handle {
    pub(crate) fn new(installation: Installation) -> Self {
        Self {
            installation,
            outstanding: Outstanding::default(),
            #[cfg(feature = "dangerous-test")]
            clock: None,
        }
    }
}

pub(crate) fn keep(handle: Handle) -> jlong {
    let number = LAST.fetch_add(1, Ordering::Relaxed) + 1;
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
