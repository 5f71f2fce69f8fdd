//! What is kept on disk, for whichever root is in force.

use std::path::PathBuf;

use pintle_core::Root;

use crate::{
    Event, Record, StoreError, StorePart,
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

    /// Moves a damaged configuration away, if that is what `event` tells of. An error if it stays where it is.
    pub(super) fn set_aside(&self, root: &Root, event: &Event) -> Option<StoreError> {
        let is_damaged = matches!(event, Event::StoreSetAside { part: StorePart::Config });
        self.store_of(root).filter(|_| is_damaged)?.set_aside(StorePart::Config).err()
    }
}
