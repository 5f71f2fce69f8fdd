//! The clocks and the disk of a scenario.

use std::{
    fmt::Write as _,
    fs,
    path::PathBuf,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use pintle_core::{Root, UnixTime};
use pintle_sdk::{Environment, Moment, disk::DiskStore};
use tempfile::TempDir;

use crate::step::Part;

/// Clocks that say what the step says, and chance as its start says.
#[derive(Debug, Default)]
pub(crate) struct Clocks {
    moment: Mutex<Moment>,
    random: AtomicU64,
}

impl Clocks {
    pub(crate) fn set_random(&self, random: u64) {
        self.random.store(random, Ordering::Relaxed);
    }

    pub(crate) fn set(&self, now: u64, monotonic_ms: u64) {
        let moment = Moment { now: UnixTime::from_secs(now), monotonic: Duration::from_millis(monotonic_ms) };
        *self.moment.lock().expect("a clock") = moment;
    }
}

impl Environment for Clocks {
    fn now(&self) -> UnixTime {
        self.moment().now
    }

    fn monotonic(&self) -> Duration {
        self.moment().monotonic
    }

    fn random(&self) -> u64 {
        self.random.load(Ordering::Relaxed)
    }

    fn moment(&self) -> Moment {
        *self.moment.lock().expect("a clock")
    }
}

/// A disk that can fail.
pub(crate) struct Disk(TempDir);

impl Disk {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    pub(crate) fn dir(&self) -> PathBuf {
        self.0.path().join("state")
    }

    pub(crate) fn store(&self, root: &Root) -> DiskStore {
        DiskStore::new(&self.dir(), root)
    }

    /// A file where the directory was: nothing can be written.
    pub(crate) fn take_away(&self) {
        fs::rename(self.dir(), self.0.path().join("away")).expect("a store");
        fs::write(self.dir(), "").expect("a file");
    }

    pub(crate) fn bring_back(&self) {
        fs::remove_file(self.dir()).expect("the file");
        fs::rename(self.0.path().join("away"), self.dir()).expect("the store");
    }

    pub(crate) fn overwrite(&self, root: &Root, part: Part, bytes: &[u8]) {
        let store = root.store_key().iter().fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").expect("a String takes text");
            hex
        });
        let name = match part {
            Part::File => "pins.jws",
            Part::Memory => "state.json",
        };
        let path = self.dir().join(store).join(name);
        assert!(path.exists(), "{} was never kept", path.display());
        fs::write(path, bytes).expect("a write");
    }
}
