//! What is kept on disk, for whichever root is in force.

use std::{path::PathBuf, sync::Arc};

use pintle_core::Root;

use super::Runtime;
use crate::{
    Event, Record, StorePart,
    disk::{DiskStore, Loaded},
};

/// The directory that keeps a store per root; `None` keeps everything in memory.
#[derive(Clone, Debug, Default)]
pub(super) struct Storage(pub(super) Option<PathBuf>);

impl Storage {
    pub(super) fn store_of(&self, root: &Root) -> Option<DiskStore> {
        self.0.as_deref().map(|dir| DiskStore::new(dir, root))
    }

    /// What is kept of `root`, and what there is to tell about that.
    pub(super) fn load(&self, root: &Root) -> (Record, Option<Event>) {
        match self.store_of(root).map(|store| store.load()) {
            Some(Ok(Loaded { record, set_aside })) => (record, set_aside.map(|part| Event::StoreSetAside { part })),
            Some(Err(error)) => (Record::default(), Some(Event::StoreFailed(error))),
            None => (Record::default(), None),
        }
    }
}

impl Runtime {
    /// Tells what happened while `root` was taken up, and moves away what of it turned out damaged.
    pub(super) fn tell_start(&self, root: &Root, events: &[Event]) {
        for event in events {
            let is_damaged = matches!(event, Event::StoreSetAside { part: StorePart::Config });
            if let Some(store) = self.storage.store_of(root).filter(|_| is_damaged)
                && let Err(error) = store.set_aside(StorePart::Config)
            {
                self.engine.tell(&Event::StoreFailed(error));
            }
            self.engine.tell(event);
        }
    }

    pub(super) async fn persist(self: &Arc<Self>) {
        let Some((root, record)) = self.engine.take_unsaved() else { return };
        let Some(store) = self.storage.store_of(&root) else { return };
        // Syncing takes milliseconds: not on a thread that serves connections.
        let saved = tokio::task::spawn_blocking(move || store.save(&record)).await;
        if let Ok(Err(error)) = saved {
            // Tried again after the next refresh.
            self.engine.keep_unsaved();
            self.engine.tell(&Event::StoreFailed(error));
        }
    }
}
